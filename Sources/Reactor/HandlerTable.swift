/// The handlers of one loop by slot, with what the loop keeps for each, and the list of those that
/// want to be flushed.
///
/// In memory of its own: an array would ask whether it is unique at each of the four accesses that
/// a message makes.
struct HandlerTable: ~Copyable {
  struct Slot {
    var handler: (any EventHandler)?
    var generation: UInt32 = 0
    /// -1: a handler of timers and flushes only.
    var descriptor: Int32 = -1
    /// When the timer is due, and the tick of its earliest entry in the wheel.
    var deadline: Tick = .never
    var entry: Tick = .never
    /// The slot behind this one in the list of flushes. A slot that was freed stays in the list.
    fileprivate var nextFlush = HandlerTable.unlisted
    fileprivate var wantsFlush = false
    var interest: Readiness = []
  }

  // No indices: a process cannot have that many descriptors.
  private static let unlisted = UInt32.max
  private static let endOfList = UInt32.max - 1

  private var slots: UnsafeMutablePointer<Slot>
  private var capacity = 16
  /// Slots in use or free.
  private var slotCount = 0
  private var free: [UInt32] = []
  private var firstFlush = Self.endOfList
  private var lastFlush = Self.endOfList

  init() { slots = .allocate(capacity: capacity) }

  deinit {
    slots.deinitialize(count: slotCount)
    slots.deallocate()
  }

  /// Handlers in the table.
  var count: Int { slotCount - free.count }

  mutating func insert(_ handler: any EventHandler, descriptor: Int32) -> Token {
    if let index = free.popLast() {
      let slot = slots + Int(index)
      slot.pointee.handler = handler
      slot.pointee.descriptor = descriptor
      return Token(index: index, generation: slot.pointee.generation)
    }
    if slotCount == capacity { grow() }
    (slots + slotCount).initialize(to: Slot(handler: handler, descriptor: descriptor))
    slotCount += 1
    return Token(index: UInt32(slotCount - 1), generation: 0)
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: slots, count: slotCount)
    slots.deallocate()
    slots = larger
    capacity *= 2
  }

  /// Frees the slot and gives back what was in it; nil when the token is out of date.
  mutating func remove(_ token: Token) -> Slot? {
    guard let slot = slot(token), slot.pointee.handler != nil else { return nil }
    let removed = slot.pointee
    var empty = Slot(generation: token.generation &+ 1)
    empty.nextFlush = removed.nextFlush
    slot.pointee = empty
    free.append(token.index)
    return removed
  }

  /// The handler that owns the token, if it still does.
  func handler(_ token: Token) -> (any EventHandler)? { slot(token)?.pointee.handler }

  /// Runs `body` on the token's slot; does nothing and gives nil when the token is out of date.
  @discardableResult
  mutating func update<Result>(_ token: Token, _ body: (inout Slot) -> Result) -> Result? {
    guard let slot = slot(token) else { return nil }
    return body(&slot.pointee)
  }

  /// Valid until a handler is inserted.
  private func slot(_ token: Token) -> UnsafeMutablePointer<Slot>? {
    let index = Int(token.index)
    guard index < slotCount, slots[index].generation == token.generation else { return nil }
    return slots + index
  }

  // MARK: Flushes

  var hasFlushes: Bool { firstFlush != Self.endOfList }

  /// Puts the handler at the end of the list, unless it is in it.
  mutating func scheduleFlush(_ token: Token) {
    guard let slot = slot(token) else { return }
    slot.pointee.wantsFlush = true
    guard slot.pointee.nextFlush == Self.unlisted else { return }
    slot.pointee.nextFlush = Self.endOfList
    if hasFlushes {
      slots[Int(lastFlush)].nextFlush = token.index
    } else {
      firstFlush = token.index
    }
    lastFlush = token.index
  }

  /// Takes the first handler out of the list; nil when the list is empty.
  mutating func takeFlush() -> (any EventHandler)? {
    while hasFlushes {
      let slot = slots + Int(firstFlush)
      firstFlush = slot.pointee.nextFlush
      slot.pointee.nextFlush = Self.unlisted
      guard slot.pointee.wantsFlush else { continue }
      slot.pointee.wantsFlush = false
      return slot.pointee.handler
    }
    return nil
  }
}
