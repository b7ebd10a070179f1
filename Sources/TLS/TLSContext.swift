internal import COpenSSL
internal import Glibc

/// Whom a client believes.
package enum TLSTrust: Hashable, Sendable {
  /// The authorities of the system.
  case system
  /// Those in a PEM file, and no others.
  case file(String)
}

/// What the connections of one side have in common: certificate and key, or trust, and the rules.
///
/// Made once and never changed, so any thread may make sessions from it; a new certificate is a new
/// context, and the sessions of the old one live on.
package final class TLSContext: Sendable {
  /// TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 section 4.2).
  private static let ciphers = """
    ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
    ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
    ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    """
  /// TLS 1.3. A key of 128 bits is enough and costs less.
  private static let suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  private static let groups = "X25519:P-256:P-384"
  /// Certificates between the peer's own and one that is trusted.
  static let chainDepthMax: Int32 = 8

  // OpenSSL lets threads share a context that nobody changes any more (openssl-threads(7)).
  nonisolated(unsafe) let handle: OpaquePointer

  private enum Side { case server, client }

  private init(_ side: Side) {
    ERR_clear_error()
    guard let handle = SSL_CTX_new(side == .server ? TLS_server_method() : TLS_client_method())
    else { preconditionFailure("no memory for a TLS context") }
    self.handle = handle
    let isSetUp =
      copenssl_ctx_set_protocols(handle, TLS1_2_VERSION, TLS1_3_VERSION) == 1
      && SSL_CTX_set_cipher_list(handle, Self.ciphers) == 1
      && SSL_CTX_set_ciphersuites(handle, Self.suites) == 1
      && copenssl_ctx_set1_groups_list(handle, Self.groups) == 1
    precondition(isSetUp, "OpenSSL knows the protocols, ciphers and groups")
    // 112 bits at least, whatever the system's configuration says.
    SSL_CTX_set_security_level(handle, 2)
    copenssl_ctx_set_options(handle, side == .server ? 1 : 0)
    // An idle session gives its buffers of 16 KiB back, and a read takes what there is at once.
    copenssl_ctx_set_mode(handle, Int(SSL_MODE_RELEASE_BUFFERS))
    copenssl_ctx_set_read_ahead(handle, 1)
    // Sessions are kept in tickets by the clients; the server keeps none.
    copenssl_ctx_set_session_cache_mode(handle, Int(SSL_SESS_CACHE_OFF))
    // Nobody is asked for a password on a terminal.
    SSL_CTX_set_default_passwd_cb(handle) { _, _, _, _ in -1 }
  }

  deinit { SSL_CTX_free(handle) }

  // MARK: Servers

  /// For a server that shows a certificate: both files are PEM, and the certificate's has the
  /// chain behind it.
  package convenience init(
    certificate: String, key: String, tickets: TicketKeys
  ) throws(TLSFileError) {
    self.init(.server)
    guard SSL_CTX_use_certificate_chain_file(handle, certificate) == 1 else {
      throw .last(certificate, otherwise: "no certificate in it")
    }
    guard SSL_CTX_use_PrivateKey_file(handle, key, SSL_FILETYPE_PEM) == 1,
      SSL_CTX_check_private_key(handle) == 1
    else { throw .last(key, otherwise: "no private key in it") }
    becomeServer(tickets)
  }

  /// The same certificate and key with new keys for tickets; those given out before are void, and
  /// their clients make a full handshake.
  package convenience init(_ other: TLSContext, tickets: TicketKeys) {
    self.init(.server)
    var chain: OpaquePointer?
    let isCopied =
      copenssl_ctx_get0_chain(other.handle, &chain) == 1
      && SSL_CTX_use_cert_and_key(
        handle, SSL_CTX_get0_certificate(other.handle), SSL_CTX_get0_privatekey(other.handle),
        chain, 1) == 1
    precondition(isCopied, "a certificate and key that were accepted are accepted again")
    becomeServer(tickets)
  }

  private func becomeServer(_ tickets: TicketKeys) {
    tickets.use(in: handle)
    // One per handshake is enough for a client with one connection, and half of the work.
    SSL_CTX_set_num_tickets(handle, 1)
    SSL_CTX_set_alpn_select_cb(handle, selectHTTP, nil)
  }

  /// When the certificate ends, in seconds since 1970; nil when it does not say.
  package var certificateEnd: Int64? {
    guard let certificate = SSL_CTX_get0_certificate(handle),
      let end = X509_get0_notAfter(certificate)
    else { return nil }
    var time = tm()
    guard ASN1_TIME_to_tm(end, &time) == 1 else { return nil }
    return Int64(timegm(&time))
  }

  // MARK: Clients

  /// For clients that accept a server only with a certificate of the trusted authorities, for the
  /// host that they asked for.
  package convenience init(trusting trust: TLSTrust) throws(TLSFileError) {
    self.init(.client)
    switch trust {
    case .system:
      precondition(SSL_CTX_set_default_verify_paths(handle) == 1, "the system's paths are set")
    case .file(let path):
      guard SSL_CTX_load_verify_file(handle, path) == 1 else {
        throw .last(path, otherwise: "no certificate in it")
      }
    }
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
    SSL_CTX_set_verify_depth(handle, Self.chainDepthMax)
  }
}

/// Picks `http/1.1` from what the client offers, or refuses it (RFC 7301 section 3.2). A client
/// that offers nothing is not asked.
private func selectHTTP(
  _: OpaquePointer?, chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  chosenCount: UnsafeMutablePointer<UInt8>?, offered: UnsafePointer<UInt8>?, offeredCount: UInt32,
  _: UnsafeMutableRawPointer?
) -> Int32 {
  let offers = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
  var rest = offers[...]
  // OpenSSL has checked the lengths, and does not promise it.
  while let count = rest.popFirst(), Int(count) <= rest.count {
    let name = rest.prefix(Int(count))
    if name.elementsEqual("http/1.1".utf8) {
      chosen?.pointee = UnsafeBufferPointer(rebasing: name).baseAddress
      chosenCount?.pointee = count
      return SSL_TLSEXT_ERR_OK
    }
    rest = rest.dropFirst(Int(count))
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}
