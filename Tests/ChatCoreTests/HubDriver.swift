import ChatProtocol
import Simulation

@testable import ChatCore

/// One hub in a world whose store and registry answer at once, unless told otherwise.
final class HubDriver {
  let hub: Hub
  private(set) var now: Int64 = .seconds(1_000)
  var store = SimulatedStore()
  var registry = SimulatedRegistry()
  var isStoreAway = false
  /// The store answers everything but what asks for messages.
  var isLogUnreadable = false
  var isRegistryAway = false
  /// While held, requests pile up in `heldRegistryRequests` until `releaseRegistry`.
  var isRegistryHeld = false
  private var heldRegistryRequests: [RegistryRequest] = []
  /// Its answers may be kept.
  var isRegistryGuarding = true
  /// While held, requests pile up in `heldRequests` until `releaseStore`.
  var isStoreHeld = false
  private(set) var heldRequests: [StoreRequest] = []

  private(set) var closes: [SessionID: ChatCloseCode] = [:]
  private(set) var isReading: [SessionID: Bool] = [:]
  private(set) var publications: [(destination: Destination, envelope: Envelope)] = []
  private(set) var localDeliveries: [LocalDelivery] = []
  private(set) var registryRequests: [RegistryRequest.Operation] = []
  private(set) var storeRequests: [StoreRequest.Operation] = []
  private var events: [SessionID: [Event]] = [:]
  private var buffer = Effects()
  private var sessionCount: UInt64 = 0

  static let node = NodeID("server1")!

  init(
    node: NodeID = HubDriver.node, limits: HubLimits = HubLimits(), isAlone: Bool = false,
    shard: Int = 0, shardCount: Int = 1
  ) {
    let info = NodeInfo(id: node, epoch: 1, shard: shard, shardCount: shardCount)
    hub = Hub(node: info, limits: limits, isAlone: isAlone, seed: 1)
    registry.leases = [node: 1, NodeID("server2")!: 7, NodeID("server3")!: 9]
    hub.advance(to: now, wall: 1_000)
  }

  // MARK: - Calls

  func open(user: UserID? = nil) -> SessionID {
    sessionCount += 1
    let session = SessionID(value: sessionCount)
    turn { $0.opened(session, user: user) }
    return session
  }

  /// Opens a session and says hello.
  func connect(
    _ user: UserID, device: String = "d1", resume: [Address: UInt64] = [:]
  ) -> SessionID {
    let session = open()
    say(.hello(.init(id: nil, user: user, token: nil, device: device, resume: resume)), session)
    return session
  }

  func say(_ command: Command, _ session: SessionID) {
    turn { $0.received(command, from: session) }
  }

  func turn(_ call: (Hub) -> Void) {
    call(hub)
    settle()
  }

  /// Lets time pass, in steps of the hub's own timer.
  func pass(_ span: Int64) {
    let end = now + span
    while let deadline = hub.nextDeadline, deadline <= end {
      now = max(now, deadline)
      hub.advance(to: now, wall: 1_000)
      turn { $0.timerFired() }
    }
    now = end
    hub.advance(to: now, wall: 1_000)
  }

  func releaseStore() {
    isStoreHeld = false
    let requests = heldRequests
    heldRequests = []
    for request in requests { answer(request) }
    settle()
  }

  func releaseRegistry() {
    isRegistryHeld = false
    let requests = heldRegistryRequests
    heldRegistryRequests = []
    for request in requests { answer(request) }
    settle()
  }

  /// Answers the one that waits longest.
  func releaseFirst() {
    answer(heldRequests.removeFirst())
    settle()
  }

  /// One command of somebody who need not be connected.
  func ask(_ command: Command, by user: UserID) -> SessionID {
    sessionCount += 1
    let session = SessionID(value: sessionCount)
    turn { $0.asked(command, by: user, session) }
    return session
  }

  /// Another node's connection becomes the owner of the device, which this node is told of later.
  func register(_ user: UserID, _ device: String, at node: NodeID) {
    _ = registry.perform(
      .register(user, device: device, connection: "c"), from: node, epoch: registry.leases[node]!)
  }

  /// Tells the hub of the changed routes that it watches.
  func tellChanges() {
    let users = registry.takeChanges().filter { $0.watchers.contains(Self.node) }.map(\.user)
    turn { $0.handle(.routesChanged(users)) }
  }

  /// A message that another node stored, as it arrives from there.
  func arrive(_ messages: Message...) {
    let envelopes = messages.map {
      Envelope.deliver(Delivery(message: $0, recipients: $0.conversation.members))
    }
    turn { $0.handle(.arrived(envelopes)) }
  }

  /// Stores a message behind the hub's back.
  @discardableResult
  func write(_ sender: UserID, _ other: UserID, _ clientID: String) -> Message {
    let conversation = ConversationID(direct: sender, other)
    _ = store.perform(
      .append(
        Draft(
          conversation: conversation, sender: sender,
          content: MessageContent(clientID: clientID, body: Array("{}".utf8)), reference: nil,
          timestamp: 1_000)))
    return store.logs[conversation]!.last { $0.clientID == clientID }!
  }

  /// Stores a room's entry behind the hub's back.
  @discardableResult
  func write(_ room: ConversationID, _ sender: UserID, _ change: RoomChange) -> Message {
    let content = MessageContent(
      clientID: "w\(store.head(room) + 1)-\(sender.name)", body: change.body)
    _ = store.perform(
      .changeRoom(
        RoomDraft(
          conversation: room, actor: sender, change: change, content: content, timestamp: 1_000)))
    return store.logs[room]!.last!
  }

  @discardableResult
  func write(_ room: ConversationID, _ sender: UserID, _ clientID: String) -> Message {
    _ = store.perform(
      .append(
        Draft(
          conversation: room, sender: sender,
          content: MessageContent(clientID: clientID, body: Array("{}".utf8)), reference: nil,
          timestamp: 1_000)))
    return store.logs[room]!.last!
  }

  func subscribe(_ topic: Topic, at node: NodeID, shard: Int) {
    _ = registry.perform(
      .subscribe(topic, shard: shard), from: node, epoch: registry.leases[node]!)
  }

  // MARK: - What came of it

  /// The events since the last call.
  func take(_ session: SessionID) -> [Event] { events.removeValue(forKey: session) ?? [] }

  /// The messages, acks and gaps since the last call, in short.
  func taken(_ session: SessionID) -> [String] {
    take(session).compactMap { event in
      switch event {
      case .message(let message, conversation: let address): "\(address) \(message.sequence)"
      case .ack(let ack): "ack \(ack.sequence)\(ack.isDuplicate ? " again" : "")"
      case .gap(conversation: let address, let after, let before, let cause):
        "gap \(address) \(after)-\(before)\(cause == .removal ? " removed" : "")"
      case .error(_, let code, message: _, retryAfterMilliseconds: _): code.rawValue
      case .ready: "ready"
      case .pong: "pong"
      case .page(_, conversation: _, let items, let more):
        "page \(items.map(\.sequence))\(more ? " and more" : "")"
      case .conversations: "conversations"
      case .reconnect: "reconnect"
      case .done: "ok"
      case .receipt(conversation: let address, let user, let marks):
        "\(address) \(user) has \(marks.received), read \(marks.read)"
      case .typing(conversation: let address, let user): "\(address) \(user) types"
      case .presence(let user, let presence): "\(user) is \(presence.state)"
      case .watching(_, let users): "watching \(users.map { "\($0.user) \($0.presence.state)" })"
      case .members(_, let room, let items, let more):
        "#\(room) \(items.map { "\($0.member.user) \($0.member.role)" })\(more ? " and more" : "")"
      }
    }
  }

  func takePublications() -> [(destination: Destination, envelope: Envelope)] {
    defer { publications = [] }
    return publications
  }

  func takeRegistryRequests() -> [RegistryRequest.Operation] {
    defer { registryRequests = [] }
    return registryRequests
  }

  private func settle() {
    repeat {
      hub.exchangeEffects(with: &buffer)
      let effects = buffer
      buffer.removeAll()
      for send in effects.sends {
        for target in effects.targets[send.targets] {
          events[target, default: []].append(send.event)
        }
      }
      for close in effects.closes {
        closes[close.session] = close.code
        hub.closed(close.session)
      }
      for pause in effects.pauses { isReading[pause.session] = pause.isReading }
      publications += effects.publications
      localDeliveries += effects.localDeliveries.filter { !$0.isPresence }
      for request in effects.store {
        storeRequests.append(request.operation)
        if isStoreHeld { heldRequests.append(request) } else { answer(request) }
      }
      for request in effects.registry {
        if !request.operation.isPresence { registryRequests.append(request.operation) }
        if isRegistryHeld { heldRegistryRequests.append(request) } else { answer(request) }
      }
    } while !hub.effects.isEmpty
  }

  private func answer(_ request: RegistryRequest) {
    hub.completed([RegistryReply(token: request.token, result: answer(request.operation))])
  }

  private func answer(_ operation: RegistryRequest.Operation) -> RegistryReply.Result {
    guard !isRegistryAway else { return .unavailable }
    registry.now = now
    let result = registry.perform(operation, from: hub.node.id, epoch: 1)
    guard !isRegistryGuarding, case .nodes(let nodes, _) = result else { return result }
    return .nodes(nodes, isGuarded: false)
  }

  private func answer(_ request: StoreRequest) {
    hub.completed([StoreReply(token: request.token, result: answer(request.operation))])
  }

  private func answer(_ operation: StoreRequest.Operation) -> StoreReply.Result {
    if case .messages = operation, isLogUnreadable { return .unavailable }
    return isStoreAway ? .unavailable : store.perform(operation)
  }
}

let alice = UserID("alice")!
let bob = UserID("bob")!
let carol = UserID("carol")!

extension Command {
  static func send(_ clientID: String, to: Address, text: String = "hi") -> Command {
    .send(
      Send(
        id: RequestID(json: "1"), clientID: clientID, to: to,
        body: Array("{\"text\":\"\(text)\"}".utf8), reference: nil))
  }

  static func change(_ room: String, _ change: RoomChange) -> Command {
    .changeRoom(
      ChangeRoom(id: RequestID(json: "3"), clientID: nil, room: room, change: change))
  }

  static func history(_ to: Address, _ span: History.Span, limit: Int = 100) -> Command {
    .history(History(id: RequestID(json: "2"), to: to, span: span, limit: limit))
  }
}

// What is said of every user who comes or goes; tests of the rest look past it.

extension LocalDelivery {
  fileprivate var isPresence: Bool {
    if case .envelope(.signal(.presence, recipients: _)) = self { true } else { false }
  }
}

extension RegistryRequest.Operation {
  fileprivate var isPresence: Bool {
    switch self {
    case .setPresence, .subscribers(of: .presence): true
    default: false
    }
  }
}
