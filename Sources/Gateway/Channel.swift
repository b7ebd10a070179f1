package import Bytes
import ChatProtocol
package import Reactor
package import WebSocket

/// One client's exchange of whole messages with the application, whatever carries them: a WebSocket
/// (`ClientConnection`), a SockJS session (`SockJSSocket`, `SockJSSession`), or a STOMP session above one
/// of those (`STOMPSession`).
///
/// Confined to its loop. A base class and not a protocol, because every event for a session finds
/// its channel through the loop's table, and a reference of one word goes there and back.
package class Channel: EventHandler {
  /// The STOMP session that this channel carries, from its opening to its close: the hub knows that
  /// one in its place. Each message of any channel looks here.
  @exclusivity(unchecked) final var carriedSTOMP: STOMPSession?

  /// Names the channel on its loop, also after it has closed.
  package var token: Token { preconditionFailure("a channel of no kind") }

  /// Sends one message.
  package func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {}

  /// Sends a text that was encoded in this turn, perhaps for other channels too.
  package func send(_ text: inout SharedText) {}

  /// Sends an event of the chat: as chat.v1 writes it, unless the peer speaks something else.
  func send(_ event: borrowing Event, _ forms: inout EventForms) {
    forms.sendText(of: event, on: self)
  }

  /// Stops or goes on taking messages from the peer.
  package func setReading(_ isReading: Bool) {}

  /// Says goodbye with a code of RFC 6455 section 7.4 or the application's own. Messages that come
  /// later are thrown away.
  package func close(_ code: CloseCode, reason: String) {}

  // A protocol's default implementation could not be overridden.
  package func becameReady(_ readiness: Readiness) {}
  package func timerFired() {}
  package func flush() {}
}

/// What all connections of a loop get that keep no context and have the same window.
struct DeflatedFrame {
  let windowBits: Int
  let frame: ArenaRange
}

/// A text message that was encoded once in this turn, for all of its readers on one loop.
package struct SharedText {
  /// As an unmasked frame of a WebSocket.
  let frame: ArenaRange
  /// The text alone, which is the end of the frame.
  let payload: ArenaRange
  /// The frames that readers get whose connections compress; see `ClientConnection+Deflate.swift`.
  var deflatedFrames: [DeflatedFrame] = []

  /// `encode` appends the text and changes nothing else.
  package init(on loop: EventLoop, _ encode: (inout ByteBuffer) -> Void) {
    var payloadBytes = 0
    let frame = loop.encode { buffer in
      let header = buffer.reserveFrameHeader()
      let start = buffer.count
      encode(&buffer)
      payloadBytes = buffer.count - start
      return buffer.finishFrame(.text, header)
    }
    self.frame = frame
    payload = frame.suffix(payloadBytes)
  }
}
