/// What epoll says of a descriptor.
///
/// Inlinable: a handler asks twice per event.
@usableFromInline
package struct Readiness: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable package static var readable: Readiness { Readiness(rawValue: 1) }
  @inlinable package static var writable: Readiness { Readiness(rawValue: 2) }
  /// Hung up or failed (EPOLLHUP, EPOLLERR), which is reported whatever the interest.
  @inlinable package static var closed: Readiness { Readiness(rawValue: 4) }
  /// The peer has ended its side, perhaps behind bytes that are not read (EPOLLRDHUP).
  @inlinable package static var ended: Readiness { Readiness(rawValue: 8) }

  @inlinable
  package func contains(_ other: Readiness) -> Bool {
    rawValue & other.rawValue == other.rawValue
  }
}

/// An object that lives on one event loop and is called by it, on its thread only.
package protocol EventHandler: AnyObject {
  /// Its descriptor is ready; one call per descriptor and turn.
  func becameReady(_ readiness: Readiness)
  /// Its timer, armed by `EventLoop.setTimer`, is due. Timers fire once.
  func timerFired()
  /// `EventLoop.scheduleFlush` was called, and the turn ends or has written much already.
  func flush()
}

extension EventHandler {
  package func becameReady(_ readiness: Readiness) {}
  package func timerFired() {}
  package func flush() {}
}

/// A handler's place in the loop's table.
///
/// Slots are used again; the generation tells a late event for the former owner from one for
/// the present owner.
package struct Token: Hashable, Sendable {
  package let index: UInt32
  package let generation: UInt32

  package init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }

  /// The token as one word, as epoll carries it.
  package var word: UInt64 { UInt64(generation) << 32 | UInt64(index) }

  package init(word: UInt64) {
    index = UInt32(truncatingIfNeeded: word)
    generation = UInt32(truncatingIfNeeded: word >> 32)
  }
}
