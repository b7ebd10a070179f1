import Bytes
import Reactor

/// Hears of one user's session.
protocol ChatClientOwner: AnyObject {
  /// Members of `resume` for the next `hello`; conversations with their sigils.
  func resume() -> [(conversation: String, sequence: UInt64)]
  func ready()
  /// Takes a text as it came; false if it is to be read as a frame. Valid until this returns.
  func took(_ text: UnsafeRawBufferPointer) -> Bool
  func received(_ frame: ServerFrame)
  /// A text that is no frame came.
  func unreadable()
  /// The connection is gone, of which a session had come if `wasLive`; the client sees to the next one.
  func lost(_ why: Disconnection, wasLive: Bool)
  /// The server does not want this user back.
  func refused(_ why: String)
}

extension ChatClientOwner {
  func took(_ text: UnsafeRawBufferPointer) -> Bool { false }
}

/// A user of chat.v1 in open mode, who comes back by the next of the URLs when the connection
/// ends, as the protocol asks for.
final class ChatClient: WebSocketClientOwner {
  private static let backoffMin = Duration.milliseconds(200)
  private static let backoffMax = Duration.seconds(5)

  let user: String
  private let loop: EventLoop
  private let plan: Plan
  private var next: Int
  private weak var owner: (any ChatClientOwner)?
  private var connection: WebSocketClient?
  private var backoff = Backoff(delayMin: backoffMin, delayMax: backoffMax)
  /// When the server wants it back.
  private var returnTime: Instant?
  private let timer: LoopTimer
  private var scratch = ByteBuffer(minimumCapacity: 256)
  private(set) var isLive = false

  /// - Parameter first: which endpoint to begin with, modulo their number.
  init(user: String, plan: Plan, first: Int, on loop: EventLoop, owner: any ChatClientOwner) {
    self.user = user
    self.plan = plan
    next = first
    self.loop = loop
    self.owner = owner
    timer = LoopTimer(on: loop)
    timer.handler = { [unowned self] in connect() }
  }

  func connect() {
    let endpoint = plan.endpoints[next % plan.endpoints.count]
    let connection = WebSocketClient(to: endpoint, on: loop, owner: self)
    self.connection = connection
    do {
      try connection.connect(to: endpoint)
    } catch {
      connection.close()
      disconnected(.dropped("\(error)"))
    }
  }

  /// Sends one frame.
  func send(_ write: (inout ByteBuffer) -> Void) {
    scratch.removeAll()
    write(&scratch)
    connection?.send(scratch.bytes)
  }

  /// Leaves for good, at the end of the loop.
  func leave() {
    isLive = false
    timer.remove()
    connection?.leave()
  }

  // MARK: - The connection

  func connected() {
    // A relay takes no hello.
    guard !plan.isRelayed else { return becameLive() }
    let resume = owner?.resume() ?? []
    send { frame in
      frame.append(#"{"type":"hello","device":"bench","user":""#)
      frame.append(utf8: user)
      frame.append(#"","resume":{"#)
      for (index, entry) in resume.enumerated() {
        frame.append(index == 0 ? "\"" : ",\"")
        frame.append(utf8: entry.conversation)
        frame.append("\":")
        frame.append(decimal: entry.sequence)
      }
      frame.append("}}")
    }
  }

  func received(_ text: UnsafeRawBufferPointer) {
    if let owner, owner.took(text) { return }
    guard let frame = ServerFrame(text) else {
      owner?.unreadable()
      return
    }
    switch frame.type {
    case "ready":
      becameLive()
    case "reconnect":
      returnTime = loop.now + .milliseconds(Int64(frame.afterMilliseconds ?? 0))
    case "error" where !isLive:
      connection?.close()
      owner?.refused("hello refused: \(frame.code)")
    default:
      owner?.received(frame)
    }
  }

  private func becameLive() {
    isLive = true
    backoff.reset()
    owner?.ready()
  }

  func disconnected(_ why: Disconnection) {
    let wasLive = isLive
    isLive = false
    connection = nil
    guard !why.isFinal else {
      owner?.refused(why.description)
      return
    }
    next += 1
    owner?.lost(why, wasLive: wasLive)
    let now = loop.now
    timer.set(at: returnTime ?? (why.isDraining ? now : now + backoff.next()))
    returnTime = nil
  }
}
