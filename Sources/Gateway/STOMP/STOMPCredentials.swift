import ChatProtocol
import HTTP1
import STOMP

/// Who a STOMP client says that it is, in the ways of Spring's convention. Nothing is verified:
/// there is only the open mode, in which a token stands for a name.
///
/// A token comes before a name, and what `CONNECT` says before what the address said. What is
/// empty is not there: clients send headers that nobody filled in.
struct STOMPCredentials {
  private let token: String?
  private let name: String?

  /// Keeps what the address of the connection said.
  init(_ request: RequestHead) {
    token = Self.filled(request.target.parameter("token"))
    name = Self.filled(request.target.parameter("user"))
  }

  /// Whom the address alone names.
  var user: UserID? { Self.user(token: token, name: name) }

  func user(connectingWith headers: FrameHeaders) -> UserID? {
    user(
      authorizedBy: headers["Authorization"] ?? headers["authorization"],
      name: Self.filled(headers["login"]))
  }

  func user(authorizedBy authorization: String?, name login: String? = nil) -> UserID? {
    Self.user(
      token: Self.filled(authorization.map(Self.token)) ?? token, name: login ?? name)
  }

  private static func user(token: String?, name: String?) -> UserID? {
    if let token { return UserID(unverifiedToken: token) }
    return name.flatMap { UserID(written: $0) }
  }

  /// Behind `Bearer`, in any case (RFC 6750, section 2.1), which clients leave out too.
  private static func token(in authorization: String) -> String {
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard let scheme = parts.first, scheme.lowercased() == "bearer" else { return authorization }
    return String(parts.dropFirst().first ?? "")
  }

  private static func filled(_ text: String?) -> String? {
    text.flatMap { $0.isEmpty ? nil : $0 }
  }
}
