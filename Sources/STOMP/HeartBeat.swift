/// The two numbers of a `heart-beat` header, in milliseconds (STOMP 1.2, heart-beating).
package struct HeartBeat: Hashable, Sendable {
  /// The shortest time between two beats that the sender of the header can keep up; 0: none.
  package var sendsEvery: Int
  /// The time between two beats that it would like to get; 0: none.
  package var wantsEvery: Int

  package static let none = HeartBeat(sendsEvery: 0, wantsEvery: 0)

  package init(sendsEvery: Int, wantsEvery: Int) {
    self.sendsEvery = sendsEvery
    self.wantsEvery = wantsEvery
  }

  /// Nil unless `text` is two numbers of at most nine digits.
  init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, let sends = Self.number(parts[0]), let wants = Self.number(parts[1])
    else { return nil }
    self.init(sendsEvery: sends, wantsEvery: wants)
  }

  private static func number(_ text: Substring) -> Int? {
    let digits = text.filter { $0 != " " }
    guard 1...9 ~= digits.utf8.count, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
      return nil
    }
    return Int(digits)
  }

  /// How often this side sends a beat to the other; nil: never.
  package func outgoing(to other: HeartBeat) -> Int? {
    guard sendsEvery > 0, other.wantsEvery > 0 else { return nil }
    return max(sendsEvery, other.wantsEvery)
  }
}
