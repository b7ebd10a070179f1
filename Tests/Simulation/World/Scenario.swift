package import ChatCore
import ChatProtocol

/// Which faults there are, what the hubs' limits are, and what may come of it.
package struct Scenario: Sendable {
  package let name: String
  package var size = World.Size.three
  package var faults: World.Faults
  package var limits = HubLimits()
  /// Whether something has to be given up for a limit, so that a `gap` is right for devices that are
  /// not slow. `history` has it.
  package var allowsGaps = false
  /// Whether a hub may ask the store for what nobody delivered.
  package var allowsRepair = true
  /// How long after the last fault everybody has everything. Where the bus loses what nobody misses,
  /// the next sweep finds it.
  package var recoveryTime: Int64 {
    faults.envelopesLost > 0 ? limits.sweepInterval + .seconds(30) : .seconds(8)
  }

  package static let all: [Scenario] = {
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
    var manySweeps = HubLimits()
    manySweeps.sweepInterval = .milliseconds(500)
    var withoutAnySweeps = withoutSweeps
    withoutAnySweeps.outageSweepInterval = .seconds(100_000)
    let slow = World.Faults(congestion: true)
    let calm = World.Faults(busDelayMax: .milliseconds(15))
    let every = World.Faults(
      crashes: true, busOutages: true, envelopesLost: 20, registryOutages: true,
      registryFlushes: true, guardLosses: true, storeOutages: true, congestion: true,
      takeovers: true, removals: true,
      newsDelayMax: .milliseconds(300))
    var everyRepaired = every
    everyRepaired.envelopesLost = 0
    var fewRoutes = withoutSweeps
    fewRoutes.routesMax = 2
    fewRoutes.unverifiedMessagesMax = 3
    return [
      Scenario(
        name: "no faults, many sweeps", faults: World.Faults(), limits: manySweeps),
      Scenario(
        name: "no faults, no sweeps", faults: World.Faults(), limits: withoutSweeps),
      Scenario(
        name: "no faults, no repair", faults: calm, limits: withoutSweeps,
        allowsRepair: false),
      Scenario(
        name: "one node, no sweeps", size: .alone, faults: World.Faults(), limits: withoutSweeps),
      Scenario(
        name: "one node, store away", size: .alone,
        faults: World.Faults(crashes: true, storeOutages: true), limits: withoutSweeps),
      Scenario(
        name: "crashes, no sweeps", faults: World.Faults(crashes: true), limits: withoutSweeps),
      Scenario(
        name: "bus outages, no sweeps", faults: World.Faults(busOutages: true),
        limits: withoutAnySweeps),
      Scenario(
        name: "bus away to the end, no other sweeps",
        faults: World.Faults(busOutages: true, isBusAwayToTheEnd: true), limits: withoutSweeps),
      Scenario(
        name: "lossy bus", faults: World.Faults(busOutages: true, envelopesLost: 100)),
      Scenario(
        name: "registry away, no sweeps",
        faults: World.Faults(registryOutages: true, registryFlushes: true, takeovers: true),
        limits: withoutSweeps),
      Scenario(
        name: "late news of routes, no sweeps",
        faults: World.Faults(newsDelayMax: .seconds(2)), limits: withoutSweeps),
      Scenario(
        name: "late news of routes, few kept, no sweeps",
        faults: World.Faults(newsDelayMax: .seconds(2)), limits: fewRoutes),
      Scenario(
        name: "lost news of routes, no sweeps",
        faults: World.Faults(guardLosses: true), limits: withoutSweeps),
      Scenario(
        name: "removals, slow bus, no sweeps",
        faults: World.Faults(crashes: true, removals: true, busDelayMax: .milliseconds(300)),
        limits: withoutSweeps),
      Scenario(
        name: "store away, no sweeps", faults: World.Faults(storeOutages: true),
        limits: withoutSweeps),
      Scenario(name: "slow readers, no sweeps", faults: slow, limits: withoutSweeps),
      Scenario(
        name: "every fault but losses, no sweeps", faults: everyRepaired,
        limits: withoutAnySweeps),
      Scenario(name: "every fault", faults: every),
      Scenario(
        name: "every fault, tight limits", faults: every, limits: tight,
        allowsGaps: true),
    ]
  }()

  /// Runs a world of this kind under `seed` for so many nanoseconds of its time, and what follows until
  /// all is told.
  package func run(
    seed: UInt64, for span: Int64 = .seconds(4), isTraced: Bool = false
  ) -> World {
    let world = World(seed: seed, scenario: self, isTraced: isTraced)
    world.run(for: span)
    return world
  }
}
