import Bytes
import HTTP1
package import Reactor
import SockJS
package import WebSocket

/// A session over a WebSocket: the same frames, in messages of the one connection that it has.
package final class SockJSSocket: Channel {
  private let mount: Int
  private unowned let server: SockJSServer
  private let loop: EventLoop
  private var ownToken = Token(index: .max, generation: .max)
  /// From the handshake to the end of the connection.
  private var connection: ClientConnection?
  /// Whether the close frame was sent: the application has said its last word and hears no more.
  private var isClosing = false
  /// The connection's, where its messages may be compressed.
  var deflate: DeflateSession?
  /// Messages of this turn, quoted, with a comma between two.
  private var quoted = ByteBuffer(minimumCapacity: 16)

  init(mount: Int, on server: SockJSServer) {
    self.mount = mount
    self.server = server
    loop = server.loop
  }

  package override var token: Token { ownToken }

  private var service: SockJSService { server.mounts[mount].service }

  // MARK: The connection

  func opened(on connection: ClientConnection, request: RequestHead) {
    self.connection = connection
    server.counters.sockets += 1
    ownToken = loop.add(self)
    write(.open)
    armHeartbeat()
    server.application?.opened(self, request: request)
  }

  func received(_ kind: MessageKind, _ message: UnsafeRawBufferPointer) {
    guard kind == .text else { return fail() }
    do throws(SockJSPayloadError) {
      let payload = try SockJSPayload(
        message, contentType: nil, over: .websocket, limits: service.limits)
      payload.withEach { message in
        if isOpen { server.application?.received(.text, message, on: self) }
      }
    } catch {
      fail()
    }
  }

  func congestionChanged(_ isCongested: Bool) {
    server.application?.congestionChanged(isCongested, on: self)
  }

  /// The connection has ended, or said its last word.
  func closed() {
    guard connection.take() != nil else { return }
    server.counters.sockets -= 1
    loop.remove(token)
    server.application?.closed(self)
  }

  private var isOpen: Bool { connection != nil && !isClosing }

  /// What is no SockJS ends the connection without a word, as the protocol has it.
  private func fail() { connection?.end() }

  // MARK: The channel

  package override func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
    guard isOpen else { return }
    if quoted.count > 0 { quoted.append(UInt8(ascii: ",")) }
    quoted.appendQuoted(payload)
    loop.scheduleFlush(token)
  }

  package override func send(_ text: inout SharedText) {
    loop.withBytes(of: text.payload) { send(.text, $0) }
  }

  package override func setReading(_ isReading: Bool) { connection?.setReading(isReading) }

  package override func close(_ code: CloseCode, reason: String) {
    guard isOpen else { return }
    flush()
    write(.close(SockJSClose(code.rawValue, reason)))
    isClosing = true
    connection?.close(code, reason: reason)
  }

  package override func flush() {
    guard quoted.count > 0 else { return }
    write(.messages(quoted.bytes))
    quoted = ByteBuffer(minimumCapacity: 16)
  }

  package override func timerFired() {
    write(.heartbeat)
    armHeartbeat()
  }

  private func armHeartbeat() {
    loop.setTimer(for: token, at: loop.now + service.limits.heartbeatDelay)
  }

  private func write(_ frame: SockJSFrame) {
    guard let connection else { return }
    var bytes = ByteBuffer()
    bytes.append(frame)
    connection.send(.text, bytes.bytes)
  }
}
