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
  /// What waits, by connection. Here, because the connections that have none pay for nothing.
  private var held: [Token: Held] = [:]
  private var bytesHeld = 0
  /// Each connection once. It may have nothing to wait for any more.
  private var waiting: Deque<Token> = []

  private struct Held {
    let frames: [UInt8]
    var isQueued: Bool
  }

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

  /// Keeps a connection's frames for a later turn, in which it goes on; false when those of all
  /// connections are too many already.
  func hold(_ frames: UnsafeMutableRawBufferPointer, of connection: Token) -> Bool {
    guard bytesHeld + frames.count <= bytesHeldMax else { return false }
    bytesHeld += frames.count
    held[connection] = Held(frames: Array(frames), isQueued: false)
    goOnLater(connection)
    return true
  }

  /// Has the connection go on in a later turn, if it is not to do so yet.
  func goOnLater(_ connection: Token) {
    guard held[connection]?.isQueued == false else { return }
    held[connection]?.isQueued = true
    if waiting.isEmpty, !isGoingOn { timer.set(at: loop.now) }
    waiting.append(connection)
  }

  /// The connection's frames, which are kept here no longer.
  func take(from connection: Token) -> [UInt8] {
    guard let held = held.removeValue(forKey: connection) else { return [] }
    bytesHeld -= held.frames.count
    return held.frames
  }

  private func goOn() {
    // A share of their own: reads of this turn must not be able to starve those that wait.
    bytes = 0
    turn = loop.now
    isGoingOn = true
    while bytes < bytesMax, let next = waiting.popFirst() {
      held[next]?.isQueued = false
      (loop.handler(next) as? ClientConnection)?.goOnWithFrames()
    }
    isGoingOn = false
    if !waiting.isEmpty { timer.set(at: loop.now) }
  }
}
