import Bytes
import ChatProtocol
import Reactor

/// One event in the forms that its readers on one loop take, each made for the first of them.
struct EventForms {
  private let loop: EventLoop
  private var text: SharedText?
  private var json: [UInt8]?
  private var hasJSON = false

  init(on loop: EventLoop) { self.loop = loop }

  /// Sends the event as chat.v1 writes it.
  mutating func sendText(of event: borrowing Event, on channel: Channel) {
    // Taken out and not copied: a copy is a count up and down for each reader.
    var text = text.take() ?? SharedText(on: loop) { event.encode(into: &$0) }
    channel.send(&text)
    self.text = text
  }

  /// A message as Spring's convention writes it, if it does.
  mutating func json(of message: Message) -> [UInt8]? {
    guard !hasJSON else { return json }
    hasJSON = true
    var isWritten = false
    let made = [UInt8](encoding: { isWritten = SpringMessage.encode(message, into: &$0) })
    json = isWritten ? made : nil
    return json
  }
}

extension [UInt8] {
  /// What `encode` appends.
  init(encoding encode: (inout ByteBuffer) -> Void) {
    var buffer = ByteBuffer()
    encode(&buffer)
    self.init(buffer.bytes)
  }
}
