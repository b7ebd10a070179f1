import ChatProtocol

/// The last number handed out per conversation: 40 bytes each.
///
/// The first one is held in place, and the others in order beside it. A user's first message
/// thus allocates nothing that stays: a small array among the many bytes of a burst would hold
/// back the page it is in from the kernel, 600 bytes for each of 10,000 sessions.
struct ConversationCursors {
  struct Entry {
    let conversation: ConversationID
    var sequence: UInt64
  }

  private var first: Entry?
  private var others: [Entry] = []

  /// Takes entries in any order, each conversation once.
  init(_ unsorted: [Entry] = []) {
    first = unsorted.first
    if unsorted.count > 1 {
      others = unsorted.dropFirst().sorted { $0.conversation.precedes($1.conversation) }
    }
  }

  var count: Int { others.count + (first == nil ? 0 : 1) }

  /// All of them, in no order that means anything.
  var entries: [Entry] { first.map { [$0] + others } ?? others }

  subscript(conversation: ConversationID) -> UInt64? {
    if let first, first.conversation == conversation { return first.sequence }
    let index = lowerBound(conversation)
    return holds(conversation, at: index) ? others[index].sequence : nil
  }

  /// Moves to `sequence` if that is the next number of a conversation that is here.
  mutating func advance(_ conversation: ConversationID, to sequence: UInt64) -> Bool {
    if let first, first.conversation == conversation {
      guard first.sequence + 1 == sequence else { return false }
      self.first?.sequence = sequence
      return true
    }
    let index = lowerBound(conversation)
    guard holds(conversation, at: index), others[index].sequence + 1 == sequence else {
      return false
    }
    others[index].sequence = sequence
    return true
  }

  /// Whether another one had to be forgotten, because there were `max` already.
  mutating func set(_ conversation: ConversationID, to sequence: UInt64, max: Int) -> Bool {
    let entry = Entry(conversation: conversation, sequence: sequence)
    guard let first, first.conversation != conversation else {
      self.first = entry
      return false
    }
    let index = lowerBound(conversation)
    if holds(conversation, at: index) {
      others[index].sequence = sequence
      return false
    }
    guard count >= max else {
      others.insert(entry, at: index)
      return false
    }
    if others.isEmpty {
      self.first = entry
    } else {
      // The neighbour goes: its slot is the one that keeps the order.
      others[min(index, others.count - 1)] = entry
    }
    return true
  }

  private func holds(_ conversation: ConversationID, at index: Int) -> Bool {
    index < others.count && others[index].conversation == conversation
  }

  private func lowerBound(_ conversation: ConversationID) -> Int {
    var low = 0
    var high = others.count
    while low < high {
      let middle = (low + high) / 2
      let isBelow = others[middle].conversation.precedes(conversation)
      if isBelow { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
