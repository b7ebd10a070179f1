/// Ids for the messages of one session whose client gives them none.
struct MessageIDs {
  private let prefix: String
  private var count: UInt64 = 0

  init() {
    let (high, low) = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
    prefix = "stomp-" + String(high, radix: 36) + String(low, radix: 36) + "-"
  }

  mutating func next() -> String {
    count += 1
    return prefix + String(count, radix: 36)
  }
}
