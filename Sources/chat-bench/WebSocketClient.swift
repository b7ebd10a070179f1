import Bytes
import Reactor
import WebSocket

/// Why a connection is over.
enum Disconnection: CustomStringConvertible {
  case closed(CloseCode?, reason: String)
  case dropped(String)

  /// What chat.v1 asks of a client: after 40xx it does not come back by itself.
  var isFinal: Bool {
    if case .closed(let code?, _) = self { 4000...4099 ~= code.rawValue } else { false }
  }

  /// 42xx: come back now.
  var isDraining: Bool {
    if case .closed(let code?, _) = self { 4200...4299 ~= code.rawValue } else { false }
  }

  var description: String {
    switch self {
    case .closed(let code, let reason): "closed with \(code?.rawValue ?? 1005) \(reason)"
    case .dropped(let reason): reason
    }
  }
}

/// Hears of one connection. The connection makes no call after `disconnected`.
protocol WebSocketClientOwner: AnyObject {
  func connected()
  /// The bytes are valid until this returns.
  func received(_ text: UnsafeRawBufferPointer)
  func disconnected(_ why: Disconnection)
}

/// A WebSocket from the client's end, for one connection.
final class WebSocketClient: EventHandler {
  private static let connectTimeout = Duration.seconds(10)
  private static let limits = MessageLimits(messageBytesMax: 16 << 20)

  private enum Phase { case connecting, upgrading, open, ended }

  private let loop: EventLoop
  private weak var owner: (any WebSocketClientOwner)?
  private var socket: StreamSocket
  private var handshake: ClientHandshake
  private var decoder = MessageDecoder(role: .client)
  private var phase = Phase.connecting
  // The masks only keep proxies from misreading the bytes; a load generator needs no secrecy.
  private var masks: UInt64

  init(to endpoint: Endpoint, on loop: EventLoop, owner: any WebSocketClientOwner) {
    self.loop = loop
    self.owner = owner
    let nonce = (0..<16).map { _ in UInt8.random(in: 0...255) }
    masks = UInt64.random(in: 1 ... .max)
    handshake = ClientHandshake(
      host: endpoint.host, target: endpoint.target, subprotocols: ["chat.v1"], nonce: nonce)
    socket = StreamSocket(closedOn: loop)
  }

  /// Starts to connect; a failure is told like any other, but not before this returns.
  func connect(to endpoint: Endpoint) throws(SystemError) {
    socket = try StreamSocket.connect(to: endpoint.address, on: loop)
    try socket.register(self)
    loop.setTimer(for: socket.token, at: loop.now + Self.connectTimeout)
  }

  func send(_ text: UnsafeRawBufferPointer) {
    guard phase == .open else { return }
    send(.text, text)
  }

  private func send(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    let key = nextMask()
    socket.write { $0.appendFrame(opcode, payload, maskedWith: key) }
  }

  /// xorshift64.
  private func nextMask() -> MaskingKey {
    masks ^= masks << 13
    masks ^= masks >> 7
    masks ^= masks << 17
    return MaskingKey(littleEndian: UInt32(truncatingIfNeeded: masks >> 16))
  }

  /// Says goodbye, and nothing more; the socket is closed with this object.
  func leave() {
    guard phase == .open else {
      close()
      return
    }
    phase = .ended
    let key = nextMask()
    socket.write { $0.appendCloseFrame(.normal, maskedWith: key) }
  }

  /// Closes without ceremony and without telling the owner.
  func close() {
    phase = .ended
    socket.close()
  }

  private func end(_ why: Disconnection) {
    guard phase != .ended else { return }
    close()
    owner?.disconnected(why)
  }

  // MARK: - Events

  func becameReady(_ readiness: Readiness) {
    guard phase != .ended else { return }
    if phase == .connecting {
      upgrade()
      return
    }
    if readiness.contains(.writable) { flush() }
    if phase != .ended, !readiness.isDisjoint(with: [.readable, .closed]) { read() }
  }

  func timerFired() {
    switch phase {
    case .connecting, .upgrading: end(.dropped("no answer to the handshake in time"))
    case .open, .ended: break
    }
  }

  func flush() {
    if case .failed(let error) = socket.flush() { end(.dropped("\(error)")) }
  }

  private func upgrade() {
    do {
      try socket.finishConnecting()
    } catch {
      end(.dropped("\(error)"))
      return
    }
    phase = .upgrading
    socket.write { handshake.writeRequest(to: &$0) }
  }

  private func read() {
    switch socket.receive() {
    case .bytes(let bytes):
      do {
        try take(bytes)
      } catch {
        end(.dropped(error.description))
      }
    case .wouldBlock: break
    case .ended: end(.dropped("the server hung up"))
    case .failed(let error): end(.dropped("\(error)"))
    }
  }

  private struct Violation: Error {
    let description: String
  }

  private func take(_ bytes: UnsafeMutableRawBufferPointer) throws(Violation) {
    var offset = 0
    if phase == .upgrading {
      do {
        guard try handshake.receive(UnsafeRawBufferPointer(bytes), at: &offset) != nil else {
          return
        }
      } catch {
        throw Violation(description: "no WebSocket: \(error)")
      }
      phase = .open
      loop.cancelTimer(for: socket.token)
      owner?.connected()
    }
    while phase == .open {
      let inbound: Inbound?
      do {
        inbound = try decoder.next(in: bytes, at: &offset, limits: Self.limits)
      } catch {
        throw Violation(description: "the server broke RFC 6455: \(error)")
      }
      switch inbound {
      case .text(let text): owner?.received(text)
      case .ping(let payload): send(.pong, payload)
      case .close(let code, let reason):
        end(.closed(code, reason: String(decoding: reason, as: UTF8.self)))
      case .binary, .deflated, .pong: break
      case nil: return
      }
    }
  }
}
