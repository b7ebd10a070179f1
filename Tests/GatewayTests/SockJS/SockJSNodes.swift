import ChatBackends
import ChatCore
import Forwarding
import Gateway
import HTTP1
import Reactor
import SockJS
import WebSocket

/// Two nodes with a SockJS service at `/s`, a registry, and a bus that a test can cut, all on one
/// loop.
final class SockJSNodes {
  let first: Node
  let second: Node
  let bus: CutBus

  final class Node {
    let id: NodeID
    let application = SockJSEcho()
    let registry: CutRegistry
    let sockJS: SockJSServer
    let server: TestServer

    init(
      _ name: String, beside other: TestServer?, routes: MemoryRoutes, bus: CutBus,
      _ limits: GatewayLimits
    ) throws {
      id = NodeID(name)!
      registry = CutRegistry(MemoryRegistry(node: id, sharing: routes))
      let (application, id, registry) = (application, id, registry)
      var made: SockJSServer?
      func make(_ loop: EventLoop) -> any Application {
        let box = Box()
        let mailbox = loop.makeMailbox(SockJSNews.self) { box.sockJS?.receive($0) }
        let relays = loop.makeMailbox(Relay.self) { for relay in $0 { box.sockJS?.receive(relay) } }
        bus.add(id, relays)
        let service = SockJSService(scriptURL: "/s.js")
        let sockJS = SockJSServer(
          loop: loop, mounts: [SockJSMount(prefix: "/s", service: service)],
          limits: limits,
          place: SockJSPlace(
            node: id, shard: 0, loops: [mailbox],
            registry: registry, bus: bus)
        ) { $0.target.parameter("user") }
        box.sockJS = sockJS
        application.serve(sockJS)
        made = sockJS
        return application
      }
      server =
        if let other {
          try TestServer(beside: other, application: make)
        } else {
          try TestServer(
            proxies: ProxyPolicy(trusted: TrustedProxies([IPNetwork("127.0.0.0/8")!])),
            application: make)
        }
      sockJS = made!
    }

    private final class Box { var sockJS: SockJSServer? }
  }

  init(sessionsPerAddressMax: Int = 1_000) throws {
    var limits = GatewayLimits()
    limits.sockJSSessionsPerAddressMax = sessionsPerAddressMax
    let routes = MemoryRoutes()
    bus = CutBus()
    first = try Node("one", beside: nil, routes: routes, bus: bus, limits)
    second = try Node("two", beside: first.server, routes: routes, bus: bus, limits)
  }

  /// One POST on a connection of its own, and what it is answered with.
  func post(_ target: String, to node: Node, _ body: String = "") -> TestResponse? {
    let client = begin(target, on: node, body)
    return client.chunkedResponse()
  }

  /// A POST whose answer the test reads bit by bit.
  func begin(_ target: String, on node: Node, _ body: String = "") -> TestClient {
    let client = TestClient(to: node.server)
    client.send(
      client.request(target, method: "POST", ["Content-Length: \(body.utf8.count)"]) + body)
    return client
  }
}

/// Carries relays between the nodes of one loop, encoded as between processes, or loses them.
final class CutBus: MessageBus {
  private struct State {
    var nodes: [NodeID: Mailbox<Relay>] = [:]
    var published = 0
    /// The next ones that are lost, where it says true.
    var losses: [Bool] = []
    /// Whether all arrive twice, as what was published and not confirmed does.
    var isDoubling = false
    /// What is on its way, while it stays there.
    var held: [(NodeID, Relay)]?
  }

  private let state = Locked(State())

  var published: Int { state.withLock { $0.published } }

  func add(_ node: NodeID, _ mailbox: Mailbox<Relay>) {
    state.withLock { $0.nodes[node] = mailbox }
  }

  func lose(_ losses: [Bool]) { state.withLock { $0.losses = losses } }

  func doubleAll() { state.withLock { $0.isDoubling = true } }

  /// Keeps on their way those that are published from now on.
  func hold() { state.withLock { $0.held = [] } }

  func letGo() {
    state.withLock { state in
      for (node, relay) in state.held ?? [] { state.nodes[node]?.post(relay) }
      state.held = nil
    }
  }

  func publish(_ envelopes: [(destination: Destination, envelope: Envelope)]) {
    for case (.node(let node), let envelope) in envelopes {
      var encoder = EnvelopeEncoder(sender: NodeID("bus")!)
      precondition(encoder.append(envelope) == .appended)
      let bytes = encoder.finish(publishedAt: 0)
      guard let batch = try? bytes.withUnsafeBytes({ try EnvelopeBatch(decoding: $0) }),
        case .relay(let relay) = batch.envelopes[0]
      else { preconditionFailure("an envelope that does not survive its coding") }
      let (mailbox, isDoubling) = state.withLock { state -> (Mailbox<Relay>?, Bool) in
        state.published += 1
        let isLost = !state.losses.isEmpty && state.losses.removeFirst()
        guard !isLost, state.held == nil else {
          if !isLost { state.held?.append((node, relay)) }
          return (nil, false)
        }
        return (state.nodes[node], state.isDoubling)
      }
      mailbox?.post(relay)
      if isDoubling { mailbox?.post(relay) }
    }
  }
}

/// A node's registry, which a test can cut off or keep from answering.
final class CutRegistry: Registry {
  private struct State {
    var isAway = false
    /// Answers that nobody has got yet, while they are kept.
    var held: [@Sendable () -> Void]?
    var claims = 0
  }

  private let registry: any Registry
  private let state = Locked(State())

  init(_ registry: any Registry) { self.registry = registry }

  /// How often a session was claimed.
  var claims: Int { state.withLock { $0.claims } }

  func goAway() { state.withLock { $0.isAway = true } }

  func hold() { state.withLock { $0.held = [] } }

  func letGo() {
    let held = state.withLock { state in
      defer { state.held = nil }
      return state.held ?? []
    }
    for answer in held { answer() }
  }

  func submit(
    _ batch: [RegistryRequest], reply: @escaping @Sendable ([RegistryReply]) -> Void
  ) {
    let isAway = state.withLock { state in
      for case .claimSession in batch.map(\.operation) { state.claims += 1 }
      return state.isAway
    }
    guard !isAway else {
      return reply(batch.map { RegistryReply(token: $0.token, result: .unavailable) })
    }
    registry.submit(batch) { [state] replies in
      let isHeld = state.withLock { state in
        state.held?.append { reply(replies) }
        return state.held != nil
      }
      if !isHeld { reply(replies) }
    }
  }
}

/// Sends every message back, and writes down what it is told.
final class SockJSEcho: Application {
  private var sockJS: SockJSServer?
  private(set) var events: [String] = []
  private(set) var channel: Channel?
  /// What to do with a message; by default it comes back.
  var onMessage: ((Channel) -> Void)?

  func serve(_ sockJS: SockJSServer) {
    self.sockJS = sockJS
    sockJS.application = self
  }

  func bodyBytesMax(of request: RequestHead) -> Int? { sockJS?.bodyBytesMax(of: request) }

  func answer(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer {
    sockJS?.answer(request, body: body, on: connection) ?? .respond(.plain(.notFound))
  }

  func opened(_ channel: Channel, request: RequestHead) {
    self.channel = channel
    events.append("opened")
  }

  func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel) {
    events.append(String(decoding: payload, as: UTF8.self))
    if let onMessage { onMessage(channel) } else { channel.send(kind, payload) }
  }

  func closed(_ channel: Channel) { events.append("closed") }

  func congestionChanged(_ isCongested: Bool, on channel: Channel) {
    events.append(isCongested ? "congested" : "relieved")
  }
}
