import ChatProtocol
import DequeModule

/// Messages of a conversation that are known to exist above a user's cursor, while at least the
/// next one is missing.
struct Hole {
  struct Held {
    var message: Message
    /// The session that sent it, whose echo is the `ack`.
    var origin: SessionID?
  }

  /// The highest number known to exist.
  var target: UInt64 = 0
  /// In rising order, each number once.
  private(set) var held: Deque<Held> = []
  /// Who sent what was known here but not held, so that it is no echo when it is fetched.
  private var origins: [UInt64: SessionID] = [:]
  /// When to ask the store; alarms before it are void.
  var fetchAt: Int64 = 0
  var isFetching = false
  var vain = VainReads()
  var fetched = 0

  var lowestHeld: UInt64? { held.first?.message.sequence }

  /// The session here that sent the message of this number and has had its `ack`.
  func origin(of sequence: UInt64) -> SessionID? {
    origins[sequence] ?? held.first { $0.message.sequence == sequence }?.origin
  }

  /// By how much the number of held messages grew. At most `max` are held, the lowest; the
  /// others are fetched when their turn comes.
  mutating func hold(_ message: Message, origin: SessionID?, max: Int) -> Int {
    target = Swift.max(target, message.sequence)
    let index =
      held.lastIndex { $0.message.sequence <= message.sequence }.map { $0 + 1 } ?? 0
    if index > 0, held[index - 1].message.sequence == message.sequence { return 0 }
    guard index < max else {
      if let origin { origins[message.sequence] = origin }
      return 0
    }
    held.insert(Held(message: message, origin: origin), at: index)
    guard held.count > max else { return 1 }
    let highest = held.removeLast()
    if let origin = highest.origin { origins[highest.message.sequence] = origin }
    return 0
  }

  /// Takes the lowest held message if its number is at most `sequence`.
  mutating func takeLowest(upTo sequence: UInt64) -> Held? {
    guard let first = held.first, first.message.sequence <= sequence else { return nil }
    return held.removeFirst()
  }

  /// The missing ones have come: what is missing further up is a new hole.
  mutating func wasClosed(upTo sequence: UInt64) {
    vain = VainReads()
    fetched = 0
    if !origins.isEmpty { origins = origins.filter { $0.key > sequence } }
  }
}
