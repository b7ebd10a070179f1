import ChatProtocol
import HTTP1
import STOMP

/// Who a STOMP client says that it is, in the ways of Spring's convention. Nothing is verified:
/// there is only the open mode, in which a token stands for a name.
struct STOMPCredentials {
  private let token: String?
  private let name: String?

  /// Keeps what the address of the connection said.
  init(_ request: RequestHead) {
    token = request.target.parameter("token")
    name = request.target.parameter("user")
  }

  /// A token comes before a name, and what `CONNECT` says before what the address said.
  func user(connectingWith headers: FrameHeaders) -> UserID? {
    if let authorization = headers["Authorization"] ?? headers["authorization"] {
      return UserID(unverifiedToken: Self.token(in: authorization))
    }
    if let token { return UserID(unverifiedToken: token) }
    let name = headers["login"] ?? self.name
    return name.flatMap { UserID($0.first == "@" ? $0.dropFirst() : $0[...]) }
  }

  /// Behind `Bearer`, in any case (RFC 6750, section 2.1), which clients leave out too.
  private static func token(in authorization: String) -> String {
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return authorization }
    return String(parts[1])
  }
}
