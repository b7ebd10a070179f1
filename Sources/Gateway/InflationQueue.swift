import Reactor

/// How much of a loop's turn compressed messages may take, and the connections of which the rest
/// waits for another turn.
///
/// A frame of 64 bytes may inflate to a message of 64 KiB, so that the bound of a read, and of the
/// reads of a turn, is none for what they inflate to. Beyond `bytesMax` in one turn a read gives one
/// message more; what came behind it stays with its connection, which is not read meanwhile. Within
/// 10 ms those that wait go on, in order, and may inflate as much among themselves. Confined to the
/// loop.
final class InflationQueue {
  private let loop: EventLoop
  private let bytesMax: Int
  private let timer: LoopTimer
  /// When the turn began that the bytes are counted for.
  private var turn: Instant
  private var bytes = 0
  /// At most the worker's connections, and those again that were paused and went on.
  private var waiting: [Token] = []

  init(on loop: EventLoop, bytesMax: Int) {
    self.loop = loop
    self.bytesMax = bytesMax
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

  /// Whether no more should be inflated in the turn of the last message.
  var isSpent: Bool { bytes >= bytesMax }

  /// Has the connection go on in a later turn.
  func add(_ connection: Token) {
    if waiting.isEmpty { timer.set(at: loop.now) }
    waiting.append(connection)
  }

  private func goOn() {
    // Its own share: reads of this turn must not be able to starve those that wait.
    bytes = 0
    turn = loop.now
    var batch: [Token] = []
    swap(&batch, &waiting)
    var served = 0
    while served < batch.count, !isSpent {
      let handler = loop.handler(batch[served])
      served += 1
      // It may have ended.
      (handler as? ClientConnection)?.goOnWithFrames()
    }
    waiting.insert(contentsOf: batch[served...], at: 0)
    if !waiting.isEmpty { timer.set(at: loop.now) }
  }
}
