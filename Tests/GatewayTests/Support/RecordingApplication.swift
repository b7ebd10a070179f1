import Gateway
import HTTP1

/// Writes down what it is told, and answers as the test wants.
final class RecordingApplication: Application {
  private(set) var events: [String] = []
  private(set) var requests: [String] = []
  /// The connection of the last call.
  weak var connection: ClientConnection?
  /// What to do with a message; by default it comes back.
  var onMessage: ((String, Channel) -> Void)?

  /// `/ws` is a WebSocket, `/later` waits for the test, `/large` is 16 KiB, all others answer with
  /// their path.
  func answer(_ request: RequestHead, body: [UInt8], on connection: ClientConnection) -> Answer {
    let path = String(decoding: request.target.path, as: UTF8.self)
    requests.append(path)
    self.connection = connection
    return switch path {
    case "/ws": .webSocket(subprotocols: ["chat.v1"])
    case "/later": .respondLater
    case "/large": .respond(.text(.ok, "\(requests.count)" + String(repeating: "-", count: 16_384)))
    default: .respond(.text(.ok, path))
    }
  }

  func opened(_ channel: Channel, request: RequestHead) {
    self.connection = channel as? ClientConnection
    events.append("opened")
  }

  func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel) {
    let text = String(decoding: payload, as: UTF8.self)
    events.append("\(kind) \(text.prefix(20))")
    if let onMessage { onMessage(text, channel) } else { channel.send(kind, payload) }
  }

  func closed(_ channel: Channel) { events.append("closed") }

  func congestionChanged(_ isCongested: Bool, on channel: Channel) {
    events.append(isCongested ? "congested" : "relieved")
  }
}
