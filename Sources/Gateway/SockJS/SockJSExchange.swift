import Bytes
import ChatCore
import HTTP1
import Reactor
import SockJS

/// A request for a session and its answer, on the loop that the request came to.
final class SockJSExchange: Responder {
  /// Names an exchange among those of all nodes.
  struct Address: Hashable, Sendable {
    var node: NodeID
    var shard: Int
    var number: UInt64
  }

  enum Request {
    case receive(SockJSReceive)
    case send(SockJSSend)
  }

  let address: Address
  let session: SockJSSession.Key
  private let request: Request
  private unowned let server: SockJSServer
  /// Until the answer is complete or the client gone.
  private var connection: ClientConnection?
  /// Who serves the request, once that is known.
  private(set) var host: NodeID?
  private var hasBegun = false
  private var nextFrame: UInt32 = 0
  /// When the session said something last, for one that is on a node out of reach.
  private(set) var heardAt: Instant

  init(
    _ request: Request, session: SockJSSession.Key, address: Address,
    on connection: ClientConnection, server: SockJSServer
  ) {
    self.request = request
    self.session = session
    self.address = address
    self.connection = connection
    self.server = server
    heardAt = server.loop.now
  }

  // MARK: What the session says

  func received(_ step: SockJSMail.Step, from node: NodeID) {
    host = node
    heardAt = server.loop.now
    switch step {
    case .accepted:
      accepted()
      if server.isDraining { finish() }
    case .frame(let bytes, let number, let isLast): received(bytes, number, isLast)
    case .cut: cut()
    case .taken: taken()
    case .refused(let refusal): refused(refusal)
    case .receive, .send, .congestion, .left, .missed, .completed, .finish: break
    }
  }

  // The bus may bring a step twice: what was published and not confirmed is published again.

  private func accepted() {
    guard !hasBegun, case .receive(let receive) = request, receive.receiver.isStreaming else {
      return
    }
    begin(receive)
    var prelude = ByteBuffer()
    receive.receiver.appendPrelude(to: &prelude)
    connection?.write(chunk: prelude.bytes)
  }

  /// The node stops. A session of another node goes on, and is received from elsewhere.
  func finish() {
    if let host, host != server.place.node { tellSession(.finish) }
  }

  /// Whether the client is to come again on its connection, although the node takes no other: a
  /// session that is here is not received from anywhere else without one.
  private var staysWhenStopping: Bool { host == server.place.node }

  private func received(_ bytes: [UInt8], _ number: UInt32, _ isLast: Bool) {
    guard case .receive(let receive) = request else { return }
    // A frame that was lost on its way from another node is lost for good: better no session than
    // one with a hole.
    guard number >= nextFrame else { return }
    guard number == nextFrame else { return giveUp() }
    nextFrame += 1
    if !hasBegun { begin(receive) }
    bytes.withUnsafeBytes { connection?.write(chunk: $0) }
    guard isLast else { return }
    end { $0.endResponse() }
    tellSession(.completed)
  }

  private func begin(_ receive: SockJSReceive) {
    hasBegun = true
    connection?.beginResponse(.ok, receive.fields, staysWhenStopping: staysWhenStopping)
  }

  private func taken() {
    guard case .send(let send) = request else { return }
    end { [staysWhenStopping] in
      $0.respond(Response(send.accepted), staysWhenStopping: staysWhenStopping)
    }
  }

  private func refused(_ refusal: SockJSRefusal) {
    guard !hasBegun else { return cut() }
    switch (refusal, request) {
    case (.payload(let error), .send(let send)): respond(Response(send.refused(error)))
    case (.unknownSession, .send(let send)): respond(Response(send.unknownSession))
    case (.busy, _), (.payload, .receive): respond(.plain(.serviceUnavailable))
    case (.unknownSession, .receive): respond(.plain(.notFound))
    }
  }

  /// The session does not answer, or not in order: it ends, if it is still there.
  func giveUp() {
    tellSession(.left)
    cut()
  }

  /// The client is to come again with a new session.
  private func cut() {
    if hasBegun {
      end { $0.end() }
    } else {
      respond(.plain(.serviceUnavailable))
    }
  }

  private func respond(_ response: Response) { end { $0.respond(response) } }

  private func end(_ finish: (ClientConnection) -> Void) {
    guard let connection = connection.take() else { return }
    server.ended(self)
    finish(connection)
  }

  // MARK: What the client does

  func aborted(_ connection: ClientConnection) {
    guard self.connection.take() != nil else { return }
    server.ended(self)
    tellSession(host == nil ? .missed : .left)
  }

  func congestionChanged(_ isCongested: Bool, on connection: ClientConnection) {
    tellSession(.congestion(isCongested))
  }

  private func tellSession(_ step: SockJSMail.Step) {
    guard case .receive = request else { return }
    server.tell(
      SockJSMail(exchange: address, session: session, sender: server.place.node, step: step),
      sessionOn: host ?? server.place.node)
  }
}
