import Bytes
import JSON

extension UserID {
  /// Whom a token names where nobody verifies tokens: it is a name, or a JSON Web Token whose
  /// payload has one as `sub` or `username`. The signature is not looked at.
  package init?(unverifiedToken token: String) {
    self.init(Self.subject(of: token) ?? token)
  }

  /// What the payload of a JSON Web Token says (RFC 7519); nil when the token is none.
  private static func subject(of token: String) -> String? {
    let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, let payload = decodedBase64URL(parts[1]),
      payload.withUnsafeBytes({ UTF8Validator.isValid($0) })
    else { return nil }
    return payload.withUnsafeBytes { payload in
      var scanner = JSONScanner(payload)
      var subject: String?
      var username: String?
      do throws(JSONError) {
        try scanner.object(depth: 0) { (scanner, key) throws(JSONError) in
          let name = scanner.content(of: key)
          let value = try scanner.value(depth: 1)
          guard value.isString else { return }
          if name == "sub" { subject = scanner.content(of: value) }
          if name == "username" { username = scanner.content(of: value) }
        }
        try scanner.finish()
      } catch {
        return nil
      }
      return subject ?? username
    }
  }
}
