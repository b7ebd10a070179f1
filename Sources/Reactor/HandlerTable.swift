/// The handlers of one loop by slot, with what the loop keeps for each.
struct HandlerTable {
  struct Slot {
    var handler: (any EventHandler)?
    var generation: UInt32 = 0
    /// -1: a handler of timers and flushes only.
    var descriptor: Int32 = -1
    /// When the timer is due, and the tick of its earliest entry in the wheel.
    var deadline: Tick = .never
    var entry: Tick = .never
    var interest: Readiness = []
    var isFlushScheduled = false
  }

  private var slots: ContiguousArray<Slot> = []
  private var free: [UInt32] = []

  /// Handlers in the table.
  var count: Int { slots.count - free.count }

  mutating func insert(_ handler: any EventHandler, descriptor: Int32) -> Token {
    if let index = free.popLast() {
      slots[Int(index)].handler = handler
      slots[Int(index)].descriptor = descriptor
      return Token(index: index, generation: slots[Int(index)].generation)
    }
    slots.append(Slot(handler: handler, descriptor: descriptor))
    return Token(index: UInt32(slots.count - 1), generation: 0)
  }

  /// Frees the slot and gives back what was in it; nil when the token is out of date.
  mutating func remove(_ token: Token) -> Slot? {
    let index = Int(token.index)
    guard index < slots.count, slots[index].generation == token.generation,
      slots[index].handler != nil
    else { return nil }
    let removed = slots[index]
    slots[index] = Slot(generation: token.generation &+ 1)
    free.append(token.index)
    return removed
  }

  /// The handler that owns the token, if it still does.
  func handler(_ token: Token) -> (any EventHandler)? {
    let index = Int(token.index)
    guard index < slots.count, slots[index].generation == token.generation else { return nil }
    return slots[index].handler
  }

  /// Runs `body` on the token's slot; does nothing and gives nil when the token is out of date.
  @discardableResult
  mutating func update<Result>(_ token: Token, _ body: (inout Slot) -> Result) -> Result? {
    let index = Int(token.index)
    guard index < slots.count, slots[index].generation == token.generation else { return nil }
    return body(&slots[index])
  }
}
