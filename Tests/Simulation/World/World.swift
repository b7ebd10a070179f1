import ChatCore
import ChatProtocol

/// Nodes, back ends and devices under one seed: the same seed gives the same run.
package final class World {
  /// One node without a bus, with one loop or some, or several nodes.
  package enum Size: Sendable {
    case oneLoop
    case alone
    case three
  }

  let scenario: Scenario
  private(set) var now: Int64 = 0
  var random: RandomSource
  private var events = AlarmQueue<() -> Void>()

  var store = SimulatedStore()
  var registry = SimulatedRegistry()
  package internal(set) var nodes: [SimulatedNode] = []
  private(set) var devices: [SimulatedDevice] = []
  /// Nothing fails, and everything came back.
  var isAtRest = false
  private(set) var users: [UserID] = []
  var busOrder: [String: Channel] = [:]
  private var sessionCount: UInt64 = 0

  /// What happened, in order, where somebody wants to know.
  private(set) var journal: [String]?

  var isQuiet = false
  var isBusDown = false
  var isRegistryDown = false
  var isStoreDown = false
  /// From then on nothing fails any more.
  private(set) var faultsEndAt: Int64 = 0
  /// Devices of whose change of hands somebody was not told.
  var handoversLost: Set<String> = []
  /// Who typed where, and when last.
  var typings: [Typing: Int64] = [:]
  /// What did not hold.
  package internal(set) var violations: [String] = []

  struct Typing: Hashable {
    let conversation: ConversationID
    let user: UserID
  }

  package init(seed: UInt64, scenario: Scenario, isTraced: Bool) {
    random = RandomSource(seed: seed)
    journal = isTraced ? [] : nil
    self.scenario = scenario
    let names = scenario.size == .three ? ["server1", "server2", "server3"] : ["server1"]
    for name in names { nodes.append(makeNode(NodeID(name)!, epoch: 1)) }
    for name in ["alice", "bob", "carol", "dave"] {
      let user = UserID(name)!
      users.append(user)
      for device in 0..<Int.random(in: 1...2, using: &random) {
        devices.append(SimulatedDevice(user: user, name: "d\(device)"))
      }
    }
    for device in devices where device.name == "d0" { device.watchList = users }
  }

  var faults: Faults { scenario.faults }
  /// Milliseconds since 1970.
  var wall: Int64 { 1_700_000_000_000 + now / .milliseconds(1) }

  /// Lets everyone talk under faults for `span`, heals everything, and waits for as long as it may take
  /// until all is told.
  package func run(for span: Int64) {
    for device in devices {
      schedule(after: delay(upTo: .seconds(1))) { [self] in connect(device) }
      scheduleAction(of: device)
    }
    scheduleFaults(over: span)
    advance(to: span)
    heal()
    advance(to: faultsEndAt + scenario.recoveryTime)
    findViolations()
    findMisseenUsers()
    talkAtRest()
  }

  func advance(to end: Int64) {
    while let deadline = events.nextDeadline, deadline <= end {
      now = max(now, deadline)
      events.next(dueAt: now)?.alarm()
    }
    now = end
  }

  /// A fault lasts until then.
  func faultEnds(at time: Int64) { faultsEndAt = max(faultsEndAt, time) }

  /// Lets go of what holds itself, so that thousands of worlds may follow each other.
  package func end() {
    events = AlarmQueue()
    for node in nodes { node.end() }
  }

  func note(_ line: @autoclosure () -> String) {
    journal?.append("\(now / 1_000) us: \(line())")
  }

  func schedule(after delay: Int64, _ event: @escaping () -> Void) {
    schedule(at: now + delay, event)
  }

  func schedule(at time: Int64, _ event: @escaping () -> Void) { events.set(event, at: time) }

  /// Mostly short, sometimes as long as `span`.
  func delay(upTo span: Int64) -> Int64 {
    let longest = chance(100) ? span : span / 8
    return Int64.random(in: 1...max(longest, 1), using: &random)
  }

  func chance(_ ofThousand: Int) -> Bool {
    Int.random(in: 0..<1000, using: &random) < ofThousand
  }

  func makeNode(_ id: NodeID, epoch: UInt64) -> SimulatedNode {
    let node = SimulatedNode(id: id, epoch: epoch)
    registry.leases[id] = epoch
    let shardCount =
      switch scenario.size {
      case .oneLoop: 1
      case .alone: 4
      case .three: 2
      }
    for shard in 0..<shardCount {
      let info = NodeInfo(id: id, epoch: epoch, shard: shard, shardCount: shardCount)
      let hub = Hub(
        node: info, limits: scenario.limits, isAlone: scenario.size != .three, seed: random.next())
      node.hubs.append(SimulatedHub(node: node, hub: hub))
    }
    return node
  }

  // MARK: - Devices

  /// All devices of the user go, and do not come back.
  func leave(_ user: UserID) {
    for device in devices where device.user == user {
      if let session = device.session { device.hub?.disconnect(session, in: self) }
    }
    devices.removeAll { $0.user == user }
  }

  private func scheduleAction(of device: SimulatedDevice) {
    schedule(after: delay(upTo: .milliseconds(400))) { [self] in
      guard !isQuiet else { return }
      act(device)
      scheduleAction(of: device)
    }
  }

  private func act(_ device: SimulatedDevice) {
    guard let hub = device.hub, let session = device.session, device.isReady else { return }
    if chance(40) {
      if faults.takeovers, chance(500) {
        let delay = delay(upTo: .seconds(12))
        faultEnds(at: now + delay)
        schedule(after: delay) { [self] in hub.disconnect(session, in: self) }
      } else {
        hub.disconnect(session, in: self)
      }
      connectionLost(device)
    } else if faults.congestion, chance(60) {
      device.becomesSlow()
      hub.post(in: self) { $0.setCongested(session, true) }
      schedule(after: delay(upTo: .seconds(12))) { [self] in
        if device.session == session { hub.post(in: self) { $0.setCongested(session, false) } }
      }
    } else {
      send([chance(100) ? signal(of: device) : compose(device)], from: device)
    }
  }

  /// What is not an entry of a log.
  private func signal(of device: SimulatedDevice) -> Command {
    guard let address = device.addresses.randomElement(using: &random), chance(800) else {
      return device.says(chance(500) ? .away : .online)
    }
    return chance(600) ? device.mark(address) : type(device, to: address)
  }

  func type(_ device: SimulatedDevice, to address: Address) -> Command {
    let conversation = ConversationID(address, seenBy: device.user)
    typings[Typing(conversation: conversation, user: device.user)] = now
    return .typing(address)
  }

  private func compose(_ device: SimulatedDevice) -> Command {
    let other = users.randomElement(using: &random)!
    guard chance(400) else { return write(device, to: .user(other)) }
    let name = chance(500) ? "lobby" : "team"
    guard device.isIn(.room(name)) else {
      let settings = RoomSettings(isPublic: name == "lobby")
      return device.change(
        name, chance(300) ? .create(settings, members: [other]) : .join)
    }
    switch Int.random(in: 0..<20, using: &random) {
    case 0: return device.change(name, .leave)
    case 1: return device.change(name, .kick(other))
    case 2, 3: return device.change(name, .invite([other]))
    case 4: return device.change(name, .update(.init(topic: "topic \(now)")))
    case 5:
      let (read, last) = (UInt64(now) % 50, UInt64(1) << 53 - 1)
      let mark = chance(500) ? (received: last, read: 0) : (received: read, read: read)
      return .mark(
        .init(id: nil, to: .room(name), received: mark.received, read: mark.read))
    default: return write(device, to: .room(name))
    }
  }

  /// Mostly a message, else something about one of the device's own.
  private func write(_ device: SimulatedDevice, to address: Address) -> Command {
    guard chance(67), let target = device.targets(in: address).randomElement(using: &random)
    else { return device.compose(to: address) }
    switch Int.random(in: 0..<3, using: &random) {
    case 0: return device.edit(target, in: address)
    case 1: return device.delete(target, in: address)
    default: return device.react(to: target, in: address, takesBack: chance(300))
    }
  }

  private func connect(_ device: SimulatedDevice) {
    device.isReconnecting = false
    let up = nodes.filter(\.isUp)
    guard let node = up.randomElement(using: &random) else { return connectionLost(device) }
    let hub = node.hubs.randomElement(using: &random)!
    sessionCount += 1
    let session = SessionID(value: sessionCount)
    let heads = store.conversations(of: device.user).map { ($0, store.head($0)) }
    device.connects(to: hub, as: session, heads: heads)
    note("\(device) connects to \(node.id)/\(hub.hub.node.shard) as \(sessionCount)")
    hub.connect(device, session, in: self)
    let hello = Command.Hello(
      id: nil, user: device.user, token: nil, device: device.name, resume: device.resume)
    send([.hello(hello)], from: device)
  }

  func send(_ commands: [Command], from device: SimulatedDevice) {
    guard let hub = device.hub, let session = device.session else { return }
    for command in commands { hub.receive(command, of: device, session, in: self) }
  }

  /// Unless it connects again meanwhile: then it says again all that has no answer.
  func sendAgain(_ id: RequestID, _ device: SimulatedDevice) {
    let session = device.session
    schedule(after: .seconds(1)) { [self] in
      guard device.isReady, device.session == session, let command = device.repeat(of: id) else {
        return
      }
      send([command], from: device)
    }
  }

  func connectionLost(_ device: SimulatedDevice) {
    note("\(device) lost its connection")
    device.disconnects()
    guard !device.isReconnecting else { return }
    device.isReconnecting = true
    schedule(after: delay(upTo: .seconds(2))) { [self] in connect(device) }
  }

  // MARK: - Back ends

  func performStore(_ operation: StoreRequest.Operation) -> StoreReply.Result {
    guard isStoreDown else {
      let result = store.perform(operation)
      note("store: \(operation.summary) -> \(result.summary)")
      return result
    }
    // Out of reach; what was under way may have been done all the same.
    switch operation {
    case .append, .changeRoom, .mark, .removeExpired:
      if chance(300) { _ = store.perform(operation) }
    case .conversations, .messages, .members: break
    }
    return .unavailable
  }

  func performRegistry(
    _ operation: RegistryRequest.Operation, from node: SimulatedNode
  ) -> RegistryReply.Result {
    node.failedRemovals.asked(operation)
    // Out of reach; what was under way may have been done all the same.
    guard !isRegistryDown || chance(200) else {
      node.failedRemovals.failed(operation)
      return .unavailable
    }
    let result = registry.perform(operation, from: node.id, epoch: node.epoch)
    note("registry: \(node.id) \(operation) -> \(result)")
    for (user, watchers) in registry.takeChanges() {
      for node in nodes where node.isUp && watchers.contains(node.id) {
        sendNews(to: node) { [self] isHeard in
          guard isHeard else { return }
          node.routeGuard.heard(of: user, at: now)
          tell(node, .routesChanged([user]))
        }
      }
    }
    guard isRegistryDown else { return result }
    node.failedRemovals.failed(operation)
    return .unavailable
  }

  /// News arrive late and in order, or not at all: then `news` is told so once the node knows.
  func sendNews(to node: SimulatedNode, _ news: @escaping (_ isHeard: Bool) -> Void) {
    guard !node.routeGuard.isBroken else { return node.routeGuard.unheard.append(news) }
    let generation = node.routeGuard.generation
    schedule(at: node.routeGuard.news.next(now, delay(upTo: faults.newsDelayMax))) {
      news(generation == node.routeGuard.generation)
    }
  }

  func tell(_ node: SimulatedNode, _ event: NodeEvent) {
    guard node.isUp else { return }
    if case .arrived(let envelopes) = event { note("\(node.id) hears \(envelopes.map(\.summary))") }
    for hub in node.hubs { hub.post(in: self) { $0.handle(event) } }
  }
}
