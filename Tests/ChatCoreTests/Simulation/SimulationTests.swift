import ChatProtocol
import Testing

@testable import ChatCore

@Suite
struct SimulationTests {
  static let seeds: ClosedRange<UInt64> = 1...30

  struct Scenario: CustomTestStringConvertible {
    var testDescription: String
    var faults: World.Faults
    var limits = HubLimits()
    /// Whether something has to be given up, so that a `gap` is right.
    var allowsGaps = false
    /// Whether a hub may ask the store for what nobody delivered.
    var allowsRepair = true
  }

  static let scenarios: [Scenario] = {
    var tight = HubLimits()
    tight.messagesHeldMax = 2
    tight.messagesHeldPerUserMax = 3
    tight.resumedMessagesMax = 6
    tight.resumePageMax = 2
    tight.pageBytesMax = 20
    tight.holeMessagesMax = 4
    tight.holePageMax = 2
    tight.messagesBehindResumeMax = 2
    tight.readsInFlightMax = 3
    tight.sendsInFlightMax = 2
    tight.appendsInFlightMax = 3
    tight.broadcastsPerSecond = 2
    tight.broadcastsBurst = 2
    var withoutSweeps = HubLimits()
    withoutSweeps.sweepInterval = .seconds(100_000)
    let calm = World.Faults(busDelayMax: .milliseconds(15))
    let every = World.Faults(
      crashes: true, busOutages: true, envelopesLost: 20, registryOutages: true,
      registryFlushes: true, guardLosses: true, storeOutages: true, congestion: true,
      newsDelayMax: .milliseconds(300))
    var fewRoutes = withoutSweeps
    fewRoutes.routesMax = 2
    fewRoutes.unverifiedMessagesMax = 3
    return [
      Scenario(testDescription: "no faults", faults: World.Faults()),
      Scenario(
        testDescription: "no faults, no sweeps", faults: World.Faults(), limits: withoutSweeps),
      Scenario(
        testDescription: "no faults, no repair", faults: calm, limits: withoutSweeps,
        allowsRepair: false),
      Scenario(testDescription: "crashes", faults: World.Faults(crashes: true)),
      Scenario(
        testDescription: "lossy bus", faults: World.Faults(busOutages: true, envelopesLost: 100)),
      Scenario(
        testDescription: "registry away",
        faults: World.Faults(registryOutages: true, registryFlushes: true)),
      Scenario(
        testDescription: "late news of routes, no sweeps",
        faults: World.Faults(newsDelayMax: .seconds(2)), limits: withoutSweeps),
      Scenario(
        testDescription: "late news of routes, few kept, no sweeps",
        faults: World.Faults(newsDelayMax: .seconds(2)), limits: fewRoutes),
      Scenario(
        testDescription: "lost news of routes, no sweeps",
        faults: World.Faults(guardLosses: true), limits: withoutSweeps),
      Scenario(testDescription: "store away", faults: World.Faults(storeOutages: true)),
      Scenario(testDescription: "every fault", faults: every, allowsGaps: true),
      Scenario(
        testDescription: "every fault, tight limits", faults: every, limits: tight,
        allowsGaps: true),
    ]
  }()

  @Test(arguments: scenarios)
  func `every device ends with every message, in order, once`(_ scenario: Scenario) {
    for seed in Self.seeds {
      let world = World(seed: seed, faults: scenario.faults, limits: scenario.limits)
      world.run(for: .seconds(4))
      let violations = violations(in: world, scenario)
      guard violations.isEmpty else {
        Issue.record("seed \(seed): \(violations.prefix(5).joined(separator: "\n"))")
        return
      }
    }
  }

  @Test
  func `the same seed gives the same run`() {
    func run(_ seed: UInt64) -> [String] {
      let world = World(seed: seed, faults: Self.scenarios.last!.faults, limits: HubLimits())
      world.run(for: .seconds(3))
      let devices = world.devices.map { "\($0) \($0.acks.map { "\($0.cid) \($0.sequence)" })" }
      return devices + world.nodes.flatMap { $0.hubs.map { "\($0.hub.counters)" } }
    }
    #expect(run(11) == run(11))
    #expect(run(11) != run(12))
  }

  @Test
  func `kept routes are used, go stale, and are looked up again`() {
    var counters = HubCounters()
    for seed in Self.seeds {
      let world = World(
        seed: seed, faults: World.Faults(newsDelayMax: .seconds(2)), limits: HubLimits())
      world.run(for: .seconds(4))
      for hub in world.nodes.flatMap(\.hubs) {
        counters.routedAsKept += hub.hub.counters.routedAsKept
        counters.routesChanged += hub.hub.counters.routesChanged
        counters.reroutes += hub.hub.counters.reroutes
      }
    }
    #expect(counters.routedAsKept > 1_000)
    #expect(counters.routesChanged > 100)
    #expect(counters.reroutes > 100)
  }

  private func violations(in world: World, _ scenario: Scenario) -> [String] {
    var violations: [String] = []
    for node in world.nodes where !scenario.allowsRepair {
      let reads = node.hubs.map(\.hub.counters.holeReads)
      if reads != [0, 0] { violations.append("\(node.id) read the store \(reads) times") }
    }
    for device in world.devices {
      violations += device.violations
      if !device.isReady { violations.append("\(device) is not connected") }
      if !device.unacked.isEmpty {
        violations.append("\(device) has no ack for \(device.unacked.map(\.cid))")
      }
      for ack in device.acks {
        let conversation = ConversationID(ack.sent.to, seenBy: device.user)
        let log = world.store.logs[conversation] ?? []
        let stored = log.filter { $0.clientID == ack.cid && $0.sender == device.user }
        if stored.map(\.sequence) != [ack.sequence] || stored.first?.body != ack.sent.body {
          violations.append("\(device) has an ack for \(ack.cid), which is not stored so")
        }
      }
      for conversation in world.store.conversations(of: device.user) {
        violations += missing(conversation, device, world, scenario)
      }
    }
    return violations
  }

  private func missing(
    _ conversation: ConversationID, _ device: SimulatedDevice, _ world: World,
    _ scenario: Scenario
  ) -> [String] {
    let place = device.place(in: conversation.address(seenBy: device.user))
    let since = world.store.since(device.user, in: conversation)
    return (world.store.logs[conversation] ?? []).compactMap { message in
      let number = message.sequence
      if place.shown[number] == message.body || number <= place.old || number <= since {
        return nil
      }
      if place.told.contains(number), place.shown[number] == nil, scenario.allowsGaps {
        return nil
      }
      return "\(device) lacks \(conversation) \(number), at \(place.last)"
    }
  }
}
