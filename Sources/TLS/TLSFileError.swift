internal import COpenSSL
internal import Glibc

/// A certificate or key file that cannot be used; `description` is one line, and shows nothing of
/// what is in the file.
package struct TLSFileError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let reason: String

  package var description: String { "cannot use \(path): \(reason)" }

  init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  /// From what OpenSSL says of the call that has just failed.
  ///
  /// - Parameter otherwise: what is wrong when the file itself can be read.
  static func last(_ path: String, otherwise: String) -> TLSFileError {
    var reason = otherwise
    var code = ERR_get_error()
    while code != 0 {
      let system = copenssl_err_errno(code)
      if system != 0 {
        reason = text(ofSystemError: system)
        break
      }
      switch (ERR_GET_LIB(code), ERR_GET_REASON(code)) {
      case (ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH), (ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH):
        reason = "the key is not the certificate's"
      case (ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL), (ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL),
        (ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK):
        reason = "the key or its signature is too weak"
      case (ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ): reason = "the key is encrypted"
      default: break
      }
      code = ERR_get_error()
    }
    ERR_clear_error()
    return TLSFileError(path, reason)
  }

  private static func text(ofSystemError code: Int32) -> String {
    var text = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &text, text.count) == 0 else { return "system error \(code)" }
    return text.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
  }
}
