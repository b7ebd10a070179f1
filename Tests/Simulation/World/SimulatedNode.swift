import Bytes
package import ChatCore
import ChatProtocol

/// A process with its hubs. After a crash a new one takes its place under the same name.
package final class SimulatedNode {
  let id: NodeID
  let epoch: UInt64
  var isUp = true
  package var hubs: [SimulatedHub] = []
  var routeGuard = SimulatedGuard()
  var failedRemovals = FailedRemovals()

  init(id: NodeID, epoch: UInt64) {
    self.id = id
    self.epoch = epoch
  }

  /// Lets go of all that refers to each other; the node is asked nothing any more.
  func end() {
    for hub in hubs { hub.end() }
    hubs = []
  }
}

/// A hub with what the gateway adds to it: a mailbox, a timer and connections.
package final class SimulatedHub {
  let node: SimulatedNode
  package let hub: Hub
  private(set) var devices: [SessionID: SimulatedDevice] = [:]
  private var mailbox: [(Hub) -> Void] = []
  private var timerAt: Int64?
  private var buffer = Effects()
  private var storeOrder = Channel()
  private var registryOrder = Channel()
  private var localOrder: [Int: Channel] = [:]
  private var clientOrder: [SessionID: Channel] = [:]
  private var names = NameCache()
  private var frame = ByteBuffer()

  init(node: SimulatedNode, hub: Hub) {
    self.node = node
    self.hub = hub
  }

  /// Calls the hub in a turn soon, together with whatever else has come in by then.
  func post(in world: World, _ call: @escaping (Hub) -> Void) {
    mailbox.append(call)
    guard mailbox.count == 1 else { return }
    world.schedule(after: world.delay(upTo: .milliseconds(2))) { [self] in
      takeTurn(in: world, firesTimers: world.faults.timerDelayMax == 0)
    }
  }

  func connect(_ device: SimulatedDevice, _ session: SessionID, in world: World) {
    devices[session] = device
    post(in: world) { $0.opened(session, user: nil) }
  }

  func disconnect(_ session: SessionID, in world: World) {
    devices[session] = nil
    clientOrder[session] = nil
    post(in: world) { $0.closed(session) }
  }

  /// A device says this, as text that the hub's gateway reads.
  func receive(
    _ command: Command, of device: SimulatedDevice, _ session: SessionID, in world: World
  ) {
    let text = command.json
    world.note("\(device) says \(text)")
    post(in: world) { [self] hub in
      do throws(CommandError) {
        let read = try decode(text)
        if read != command { device.violates("said \(text), which is read otherwise") }
        hub.received(read, from: session)
      } catch {
        device.violates("said \(text), which is refused: \(error.message)")
        hub.rejected(
          error.id, error.code, error.message, isMalformed: error.isMalformed, from: session)
      }
    }
  }

  private func decode(_ text: String) throws(CommandError) -> Command {
    try text.utf8.span.bytes.withUnsafeBytes { (bytes) throws(CommandError) in
      try Command.decode(bytes, names: &names)
    }
  }

  fileprivate func end() {
    for session in devices.keys { hub.closed(session) }
    devices = [:]
    mailbox = []
  }

  private func takeTurn(in world: World, firesTimers: Bool) {
    guard node.isUp else { return }
    hub.advance(to: world.now, wall: world.wall)
    if firesTimers { hub.timerFired() }
    let calls = mailbox
    mailbox = []
    for call in calls { call(hub) }
    hub.exchangeEffects(with: &buffer)
    carryOut(buffer, in: world)
    buffer.removeAll()
    armTimer(in: world)
  }

  private func armTimer(in world: World) {
    guard let deadline = hub.nextDeadline, deadline < timerAt ?? .max else { return }
    timerAt = deadline
    let latest = world.faults.timerDelayMax
    let lateness = latest > 0 ? world.delay(upTo: latest) : 0
    world.schedule(after: max(deadline - world.now, 0) + lateness) { [self] in
      timerAt = nil
      takeTurn(in: world, firesTimers: true)
    }
  }

  // MARK: - Effects

  private func carryOut(_ effects: Effects, in world: World) {
    for send in effects.sends {
      frame.removeAll()
      send.event.encode(into: &frame)
      let text = [UInt8](frame.bytes)
      for session in effects.targets[send.targets] {
        transmit(text, of: send.event, to: session, in: world)
      }
    }
    for close in effects.closes { end(close, in: world) }
    for request in effects.store { perform(request, in: world) }
    for request in effects.registry { perform(request, in: world) }
    world.publish(effects.publications, from: node)
    for delivery in effects.localDeliveries {
      for other in node.hubs where other !== self {
        let shard = other.hub.node.shard
        let arrival = localOrder[shard, default: Channel()].next(
          world.now, world.delay(upTo: .milliseconds(3)))
        world.schedule(at: arrival) { other.post(in: world) { $0.deliver(delivery) } }
      }
    }
  }

  /// What the hub means is checked; what the device does, it does by the text.
  private func transmit(
    _ text: [UInt8], of event: Event, to session: SessionID, in world: World
  ) {
    guard let device = devices[session] else { return }
    let arrival = clientOrder[session, default: Channel()].next(
      world.now, world.delay(upTo: .milliseconds(5)))
    world.schedule(at: arrival) {
      guard device.session == session else { return }
      world.note("\(device) gets \(event.summary)")
      world.check(event, for: device)
      guard let read = device.read(text, of: event) else { return }
      world.send(device.received(read), from: device)
      if case .error(let id?, .unavailable, _, _) = read { world.sendAgain(id, device) }
      if case .error(let id?, .notFound, _, _) = read { world.sendAgain(id, device) }
    }
  }

  private func end(_ close: Effects.Close, in world: World) {
    guard let device = devices[close.session] else { return }
    let arrival = clientOrder[close.session, default: Channel()].next(world.now, 0)
    disconnect(close.session, in: world)
    world.schedule(at: arrival) {
      guard device.session == close.session else { return }
      world.connectionLost(device)
    }
  }

  private func perform(_ request: StoreRequest, in world: World) {
    let time = storeOrder.next(world.now, world.delay(upTo: .milliseconds(10)))
    world.schedule(at: time) { [self] in
      let result = world.performStore(request.operation)
      world.schedule(after: world.delay(upTo: .milliseconds(10))) { [self] in
        let reply = [StoreReply(token: request.token, result: result)]
        if node.isUp { post(in: world) { $0.completed(reply) } }
      }
    }
  }

  private func perform(_ request: RegistryRequest, in world: World) {
    let time = registryOrder.next(world.now, world.delay(upTo: .milliseconds(5)))
    world.schedule(at: time) { [self] in
      let result = world.performRegistry(request.operation, from: node)
      let (made, generation) = (world.now, node.routeGuard.generation)
      let answer = { [self] in
        let judged = node.routeGuard.judge(
          result, of: request.operation, madeAt: made, under: generation)
        let reply = [RegistryReply(token: request.token, result: judged)]
        if node.isUp { post(in: world) { $0.completed(reply) } }
      }
      if case .barrier = request.operation {
        passBarrier(request.token, result, in: world)
      } else {
        world.schedule(after: world.delay(upTo: .milliseconds(5)), answer)
      }
    }
  }

  /// It comes behind the news that were sent before it, or never when these are lost.
  private func passBarrier(_ token: UInt64, _ result: RegistryReply.Result, in world: World) {
    world.sendNews(to: node) { [self] isHeard in
      let reply = [RegistryReply(token: token, result: isHeard ? result : .unavailable)]
      if node.isUp { post(in: world) { $0.completed(reply) } }
    }
  }
}

/// Keeps the order of what goes one way.
struct Channel {
  private var last: Int64 = 0

  mutating func next(_ now: Int64, _ delay: Int64) -> Int64 {
    last = max(last + 1, now + delay)
    return last
  }
}
