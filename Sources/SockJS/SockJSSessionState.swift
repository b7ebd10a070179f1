package import Bytes

/// A session of a transport that is no WebSocket: who receives, what is due to go out, how it ends.
///
/// The owner tells the events, writes the frames that `next(into:)` gives, and keeps one timer
/// for the session: after each event it arms it anew when `timer` says so.
package struct SockJSSessionState: ~Copyable {
  package enum Attachment: Equatable, Sendable {
    /// The receiver is the session's: write its prelude, then the frames.
    case attached
    /// Write this close frame to the new receiver and end its response; the other one goes on.
    case refused(SockJSClose)
  }

  package enum Written: Equatable, Sendable {
    /// The buffer got a frame; there may be more.
    case frame
    /// The buffer got the response's last frame: end it, the receiver is detached.
    case lastFrame
  }

  package enum TimerAction: Equatable, Sendable {
    /// A heartbeat is due: take the frames.
    case write
    /// An open session was without a receiver for too long. Tell the application, forget it.
    case abandon
    /// A closed session was kept for long enough. Forget it.
    case forget
  }

  private let limits: SockJSLimits

  /// A new session, with the receiver that asked for it.
  package init(_ receiver: SockJSReceiver, limits: SockJSLimits) { self.limits = limits }

  /// Whether the application may send and gets what comes: from the first receiver to the end.
  package var isOpen: Bool { true }

  package var hasReceiver: Bool { true }

  /// Bytes of queued messages, quoted. The owner bounds them, by closing the session.
  package var pendingBytes: Int { 0 }

  /// The time from now on after which to call `timerFired()`; nil: no timer.
  ///
  /// Changes when a receiver comes, when one goes, and when the timer has fired; the owner arms
  /// its timer then and leaves it alone otherwise.
  package var timerDelay: Duration? { nil }

  /// A request came to receive.
  package mutating func attach(_ receiver: SockJSReceiver) -> Attachment { .attached }

  /// Queues a message; a session that is not open drops it.
  package mutating func enqueue(_ message: UnsafeRawBufferPointer) {}

  /// Queues a message that `ByteBuffer.appendQuoted(_:)` has quoted already.
  package mutating func enqueue(quoted message: UnsafeRawBufferPointer) {}

  /// Appends the next frame for the receiver, wrapped; nil when none is due or no one receives.
  ///
  /// All messages queued until now go in one frame. Each frame is to be an HTTP chunk of its own.
  package mutating func next(into buffer: inout ByteBuffer) -> Written? { nil }

  /// The application closes the session: the receiver, and each that comes later, is told.
  package mutating func close(_ close: SockJSClose) {}

  /// The receiver's connection ended before its response. What was on the way is lost, so the
  /// session is closed; true if it was open, and the application is to be told.
  package mutating func receiverAborted() -> Bool { true }

  package mutating func timerFired() -> TimerAction { .forget }
}
