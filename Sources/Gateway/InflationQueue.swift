import DequeModule
import Reactor

/// How much of a loop's turn compressed messages may take, and the connections of which the rest
/// waits for another turn.
///
/// A frame of 64 bytes may inflate to a message of 64 KiB, so the bound of a read, and of the reads
/// of a turn, is none for what they inflate to. Beyond `bytesMax` in one turn a read gives one
/// message more; what came behind it stays with its connection, which is not read meanwhile. Every
/// 10 ms those that wait inflate as much among themselves, a message each in turn. Confined to the
/// loop.
final class InflationQueue {
  private let loop: EventLoop
  private let bytesMax: Int
  private let bytesHeldMax: Int
  private let timer: LoopTimer
  /// When the turn began that the bytes are counted for.
  private var turn: Instant
  private var bytes = 0
  /// Whether a connection of `waiting` inflates now: one message and no more.
  private var isGoingOn = false
  /// Each connection once. It may have ended.
  private var waiting: Deque<Token> = []
  private var bytesHeld = 0

  init(on loop: EventLoop, bytesMax: Int, bytesHeldMax: Int) {
    self.loop = loop
    self.bytesMax = bytesMax
    self.bytesHeldMax = bytesHeldMax
    turn = loop.now
    timer = LoopTimer(on: loop)
    timer.handler = { [weak self] in self?.goOn() }
  }

  deinit { timer.remove() }

  /// A message has been inflated, to so many bytes.
  func inflated(_ count: Int) {
    if turn != loop.now {
      turn = loop.now
      bytes = 0
    }
    bytes += count
  }

  /// Whether no more should be inflated now, after a message of this turn.
  var isSpent: Bool { isGoingOn || bytes >= bytesMax }

  /// Keeps frames for a later turn; nil when those of all connections are too many already.
  func hold(_ frames: UnsafeMutableRawBufferPointer) -> HeldFrames? {
    guard bytesHeld + frames.count <= bytesHeldMax else { return nil }
    bytesHeld += frames.count
    return HeldFrames(frames, in: self)
  }

  fileprivate func released(_ count: Int) { bytesHeld -= count }

  /// Has the connection, whose frames these are, go on in a later turn.
  func add(_ connection: Token, _ frames: HeldFrames) {
    guard !frames.isQueued else { return }
    frames.isQueued = true
    if waiting.isEmpty, !isGoingOn { timer.set(at: loop.now) }
    waiting.append(connection)
  }

  private func goOn() {
    // A share of their own: reads of this turn must not be able to starve those that wait.
    bytes = 0
    turn = loop.now
    isGoingOn = true
    while bytes < bytesMax, let next = waiting.popFirst() {
      (loop.handler(next) as? ClientConnection)?.goOnWithFrames()
    }
    isGoingOn = false
    if !waiting.isEmpty { timer.set(at: loop.now) }
  }
}

/// Frames of one connection that wait for a later turn; counted for as long as they are kept.
final class HeldFrames {
  fileprivate(set) var isQueued = false
  private var bytes: [UInt8]
  private let queue: InflationQueue

  fileprivate init(_ frames: UnsafeMutableRawBufferPointer, in queue: InflationQueue) {
    bytes = Array(frames)
    self.queue = queue
  }

  deinit { queue.released(bytes.count) }

  /// The connection is not in the queue any more.
  func left() { isQueued = false }

  /// The frames, which are kept here no longer: what of them has to wait again is held anew.
  func take() -> [UInt8] {
    queue.released(bytes.count)
    defer { bytes = [] }
    return bytes
  }
}
