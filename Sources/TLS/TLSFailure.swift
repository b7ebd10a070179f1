internal import COpenSSL

/// Why a TLS connection could not be made, or ended.
///
/// Closed, and nothing in it comes from the peer: safe to log, and as a metric's label by its raw
/// value.
package enum TLSFailure: String, Error, Hashable, Sendable, CaseIterable {
  /// What the peer sends is no TLS at all.
  case notTLS = "not_tls"
  /// The peer speaks no version that we do.
  case noSharedProtocol = "no_shared_protocol"
  case noSharedCipher = "no_shared_cipher"
  /// The client offers protocols by ALPN, and ours is not among them (RFC 7301 section 3.2).
  case noApplicationProtocol = "no_application_protocol"
  /// The client announces a hello that is longer than anybody's; see `HelloGuard`.
  case longHello = "long_hello"
  /// The certificate is signed by nobody whom we trust.
  case unknownAuthority = "unknown_authority"
  case expiredCertificate = "expired_certificate"
  /// The certificate is for another host.
  case wrongName = "wrong_name"
  /// The certificate is not acceptable for another reason.
  case badCertificate = "bad_certificate"
  /// The peer has refused the connection with an alert.
  case refused
  /// Records that are malformed, forged or out of place.
  case broken
  /// OpenSSL could not do what it was asked: no memory, no randomness.
  case internalError = "internal_error"
}

extension TLSFailure: CustomStringConvertible {
  package var reason: StaticString {
    switch self {
    case .notTLS: "TLS: the peer does not speak TLS here"
    case .noSharedProtocol: "TLS: no version in common"
    case .noSharedCipher: "TLS: no cipher in common"
    case .noApplicationProtocol: "TLS: no application protocol in common"
    case .longHello: "TLS: the client's hello is too long"
    case .unknownAuthority: "TLS: the certificate is signed by no trusted authority"
    case .expiredCertificate: "TLS: the certificate is expired or not yet valid"
    case .wrongName: "TLS: the certificate is for another host"
    case .badCertificate: "TLS: the certificate is not acceptable"
    case .refused: "TLS: refused by the peer"
    case .broken: "TLS: broken records"
    case .internalError: "TLS: internal error"
    }
  }

  package var description: String { "\(reason)" }
}

extension TLSFailure {
  /// Behind this, a reason is an alert of the peer (openssl/sslerr.h).
  private static let alertReasons: Int32 = 1000

  /// What made the last call on `ssl` fail. To be asked at once: the errors are the thread's.
  init(of ssl: OpaquePointer) {
    let code = ERR_peek_error()
    let reason = ERR_GET_REASON(code)
    guard ERR_GET_LIB(code) == ERR_LIB_SSL else {
      self = ERR_GET_LIB(code) == 0 ? .internalError : .broken
      return
    }
    switch reason {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
      self = .notTLS
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_UNKNOWN_PROTOCOL, SSL_R_VERSION_TOO_LOW,
      SSL_R_WRONG_SSL_VERSION:
      self = .noSharedProtocol
    case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
      SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      self = .noSharedCipher
    case SSL_R_NO_APPLICATION_PROTOCOL: self = .noApplicationProtocol
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      self = TLSFailure(verification: SSL_get_verify_result(ssl))
    case Int32(ERR_R_MALLOC_FAILURE), Int32(ERR_R_INTERNAL_ERROR): self = .internalError
    case Self.alertReasons...: self = .refused
    default: self = .broken
    }
  }

  private init(verification result: Int) {
    switch Int32(truncatingIfNeeded: result) {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: self = .wrongName
    case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: self = .expiredCertificate
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
      self = .unknownAuthority
    default: self = .badCertificate
    }
  }
}
