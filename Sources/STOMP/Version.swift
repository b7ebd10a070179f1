/// The versions of STOMP, the older ones lower.
package enum Version: UInt8, Comparable, CaseIterable, Sendable {
  case v10, v11, v12

  /// As `version` and `accept-version` write it.
  package var number: String {
    switch self {
    case .v10: "1.0"
    case .v11: "1.1"
    case .v12: "1.2"
    }
  }

  /// As `Sec-WebSocket-Protocol` writes it.
  package var subprotocol: String {
    switch self {
    case .v10: "v10.stomp"
    case .v11: "v11.stomp"
    case .v12: "v12.stomp"
    }
  }

  /// All of them, the newest first.
  package static let preferred: [Version] = allCases.reversed()

  /// The newest version on both sides. A client that names none speaks 1.0 (STOMP 1.1, protocol
  /// negotiation).
  static func negotiated(accepting list: String?) -> Version? {
    guard let list else { return .v10 }
    let accepted = list.split(separator: ",").map { $0.filter { $0 != " " } }
    return preferred.first { accepted.contains($0.number) }
  }

  package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
}
