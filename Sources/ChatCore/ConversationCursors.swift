import ChatProtocol

/// The last number handed out per conversation, sorted by conversation: 40 bytes each.
struct ConversationCursors {
  struct Entry {
    let conversation: ConversationID
    var sequence: UInt64
  }

  private(set) var entries: [Entry] = []

  /// Takes entries in any order, each conversation once.
  init(_ unsorted: [Entry] = []) {
    entries = unsorted.sorted { $0.conversation.precedes($1.conversation) }
  }

  var count: Int { entries.count }

  subscript(conversation: ConversationID) -> UInt64? {
    let index = lowerBound(conversation)
    guard index < entries.count, entries[index].conversation == conversation else { return nil }
    return entries[index].sequence
  }

  /// Moves to `sequence` if that is the next number of a conversation that is here.
  mutating func advance(_ conversation: ConversationID, to sequence: UInt64) -> Bool {
    let index = lowerBound(conversation)
    guard index < entries.count, entries[index].conversation == conversation,
      entries[index].sequence + 1 == sequence
    else { return false }
    entries[index].sequence = sequence
    return true
  }

  /// Whether another one had to be forgotten, because there were `max` already.
  mutating func set(_ conversation: ConversationID, to sequence: UInt64, max: Int) -> Bool {
    let index = lowerBound(conversation)
    if index < entries.count, entries[index].conversation == conversation {
      entries[index].sequence = sequence
      return false
    }
    guard entries.count >= max else {
      entries.insert(Entry(conversation: conversation, sequence: sequence), at: index)
      return false
    }
    // The neighbour goes: its slot is the one that keeps the order.
    let victim = min(index, entries.count - 1)
    entries[victim] = Entry(conversation: conversation, sequence: sequence)
    return true
  }

  private func lowerBound(_ conversation: ConversationID) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      let isBelow = entries[middle].conversation.precedes(conversation)
      if isBelow { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
