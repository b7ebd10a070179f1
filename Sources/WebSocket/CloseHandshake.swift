/// The closing of one connection; RFC 6455, section 7.
///
/// Each side sends one close frame. The server ends the connection when both have been sent.
package struct CloseHandshake: Sendable {
  private enum State { case open, awaitingReply, closed }

  private var state = State.open

  package init() {}

  /// Whether messages may still be sent.
  package var isOpen: Bool { state == .open }

  package enum CloseAction: Equatable, Sendable {
    /// Send a close frame and give the peer its time to reply.
    case sendClose(CloseCode)
    /// It has been sent before.
    case nothing
  }

  /// This side wants to close.
  package mutating func close(with code: CloseCode) -> CloseAction {
    switch state {
    case .open:
      state = .awaitingReply
      return .sendClose(code)
    case .awaitingReply, .closed:
      return .nothing
    }
  }

  package enum FailAction: Equatable, Sendable {
    /// Send a close frame, flush, and end the connection without waiting for a reply.
    case sendCloseThenEnd(CloseCode)
    case end
  }

  /// The peer broke the protocol, so nothing that it sends has a meaning any more.
  package mutating func fail(with error: ProtocolError) -> FailAction {
    defer { state = .closed }
    switch state {
    case .open: return .sendCloseThenEnd(error.closeCode)
    case .awaitingReply, .closed: return .end
    }
  }

  package enum ReceivedCloseAction: Equatable, Sendable {
    /// Echo the code (or its absence), flush, and end the connection.
    case replyThenEnd(CloseCode?)
    /// This was the reply.
    case end
  }

  /// The peer sent a close frame. What follows it on the wire is to be ignored.
  package mutating func receivedClose(_ code: CloseCode?) -> ReceivedCloseAction {
    defer { state = .closed }
    switch state {
    case .open: return .replyThenEnd(code)
    case .awaitingReply, .closed: return .end
    }
  }
}
