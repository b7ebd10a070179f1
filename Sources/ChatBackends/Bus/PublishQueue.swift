internal import DequeModule

/// A batch of envelopes on its way to the broker.
struct Publication: Hashable {
  let key: String
  let body: [UInt8]
  let envelopes: Int
}

/// What is to be published, and what is published and not yet confirmed, in order.
///
/// Bounded: beyond its limits the oldest publications are dropped, since the store has them all.
struct PublishQueue {
  static let envelopesMax = 100_000
  static let bytesMax = 64 * 1024 * 1024

  private let envelopesMax: Int
  private let bytesMax: Int
  private var waiting: Deque<Publication> = []
  /// By delivery tag from `firstTag` on; nil once confirmed or dropped, but never the first.
  private var unconfirmed: Deque<Publication?> = []
  private var firstTag: UInt64 = 1
  /// In both parts.
  private(set) var envelopes = 0
  private var bytes = 0

  init(envelopesMax: Int = Self.envelopesMax, bytesMax: Int = Self.bytesMax) {
    self.envelopesMax = envelopesMax
    self.bytesMax = bytesMax
  }

  var isEmpty: Bool { envelopes == 0 }

  /// The next to publish; stays until `published()`.
  var next: Publication? { waiting.first }

  /// Says how many envelopes were dropped for it.
  mutating func append(_ publication: Publication) -> Int {
    waiting.append(publication)
    envelopes += publication.envelopes
    bytes += publication.body.count
    let before = envelopes
    while envelopes > envelopesMax || bytes > bytesMax, dropOldest() {}
    return before - envelopes
  }

  /// Those published long ago and never confirmed are the oldest; they may even have arrived.
  private mutating func dropOldest() -> Bool {
    if !unconfirmed.isEmpty {
      settle(at: 0)
      removeSettled()
      return true
    }
    guard waiting.count > 1, let oldest = waiting.popFirst() else { return false }
    forget(oldest)
    return true
  }

  /// `next` was handed to the broker as the message with this tag.
  mutating func published(tag: UInt64) {
    guard let publication = waiting.popFirst() else { preconditionFailure("published nothing") }
    precondition(tag == firstTag + UInt64(unconfirmed.count), "tags count without gaps")
    unconfirmed.append(publication)
  }

  /// Confirmations come in any order; a multiple one stands for all tags up to its own.
  mutating func confirmed(tag: UInt64, isMultiple: Bool) {
    guard tag >= firstTag, tag - firstTag < UInt64(unconfirmed.count) else { return }
    let index = Int(tag - firstTag)
    for index in isMultiple ? 0...index : index...index { settle(at: index) }
    removeSettled()
  }

  /// What is unconfirmed will be published again; receivers drop what they have by its number.
  mutating func connectionLost() {
    waiting.prepend(contentsOf: unconfirmed.compactMap(\.self))
    unconfirmed.removeAll()
    firstTag = 1
  }

  private mutating func removeSettled() {
    while let first = unconfirmed.first, first == nil {
      unconfirmed.removeFirst()
      firstTag += 1
    }
  }

  private mutating func settle(at index: Int) {
    guard let publication = unconfirmed[index] else { return }
    unconfirmed[index] = nil
    forget(publication)
  }

  private mutating func forget(_ publication: Publication) {
    envelopes -= publication.envelopes
    bytes -= publication.body.count
  }
}
