import Gateway
import HTTP1
import Reactor
import SockJS
import WebSocket

/// Sends every message back, and reads no more from a peer that does not take its echoes.
///
/// A WebSocket is taken on every path but those of the SockJS services that the protocol's public
/// test suite asks for.
final class EchoApplication: Application {
  private let sockJS: SockJSServer

  init(sockJS: SockJSServer) {
    self.sockJS = sockJS
    sockJS.application = self
  }

  static let closePrefix = "/close"

  /// `/echo` ends streams after 4 KiB, `/disabled_websocket_echo` does without the transport,
  /// `/cookie_needed_echo` sets the cookie for sticky balancers, and `/close` closes each session at
  /// once.
  static let mounts: [SockJSMount] = {
    var echo = SockJSService(scriptURL: "/sockjs.min.js")
    echo.transports = Set(SockJSTransport.allCases)
    echo.limits.responseBytesMax = 4096
    var disabledWebSocket = echo
    disabledWebSocket.transports.remove(.websocket)
    var cookieNeeded = echo
    cookieNeeded.needsCookie = true
    return [
      SockJSMount(prefix: "/echo", service: echo),
      SockJSMount(prefix: "/disabled_websocket_echo", service: disabledWebSocket),
      SockJSMount(prefix: "/cookie_needed_echo", service: cookieNeeded),
      SockJSMount(prefix: closePrefix, service: echo),
    ]
  }()

  func bodyBytesMax(of request: RequestHead) -> Int? { sockJS.bodyBytesMax(of: request) }

  func answer(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer {
    sockJS.answer(request, body: body, on: connection) ?? .webSocket(subprotocols: [])
  }

  func opened(_ channel: Channel, request: RequestHead) {
    guard request.target.path.starts(with: Self.closePrefix.utf8) else { return }
    channel.close(CloseCode(SockJSClose.goAway.code), reason: SockJSClose.goAway.reason)
  }

  func received(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel
  ) {
    channel.send(kind, payload)
  }

  func closed(_ channel: Channel) {}

  func congestionChanged(_ isCongested: Bool, on channel: Channel) {
    channel.setReading(!isCongested)
  }
}
