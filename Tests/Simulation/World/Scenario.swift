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
    faults.batchesLost > 0 ? limits.sweepInterval + .seconds(30) : .seconds(8)
  }

  package static let all: [Scenario] = [
    Scenario(
      name: "no faults, many sweeps", faults: World.Faults(), limits: .manySweeps),
    Scenario(
      name: "no faults, no sweeps", faults: World.Faults(), limits: .withoutSweeps),
    Scenario(
      name: "no faults, no repair", faults: .calm, limits: .withoutSweeps,
      allowsRepair: false),
    Scenario(
      name: "one node, no sweeps", size: .alone, faults: World.Faults(), limits: .withoutSweeps),
    Scenario(
      name: "one node, store away", size: .alone,
      faults: World.Faults(crashes: true, storeOutages: true), limits: .withoutSweeps),
    Scenario(
      name: "crashes, no sweeps", faults: World.Faults(crashes: true), limits: .withoutSweeps),
    Scenario(
      name: "bus outages, no sweeps", faults: World.Faults(busOutages: true),
      limits: .withoutAnySweeps),
    Scenario(
      name: "bus away to the end, no other sweeps",
      faults: World.Faults(busOutages: true, isBusAwayToTheEnd: true), limits: .withoutSweeps),
    Scenario(
      name: "lossy bus", faults: World.Faults(busOutages: true, batchesLost: 100)),
    Scenario(
      name: "registry away, no sweeps",
      faults: World.Faults(registryOutages: true, registryFlushes: true, takeovers: true),
      limits: .withoutSweeps),
    Scenario(
      name: "late news of routes, no sweeps",
      faults: World.Faults(newsDelayMax: .seconds(2)), limits: .withoutSweeps),
    Scenario(
      name: "late news of routes, few kept, no sweeps",
      faults: World.Faults(newsDelayMax: .seconds(2)), limits: .fewRoutes),
    Scenario(
      name: "lost news of routes, no sweeps",
      faults: World.Faults(guardLosses: true), limits: .withoutSweeps),
    Scenario(
      name: "removals, slow bus, no sweeps",
      faults: World.Faults(crashes: true, removals: true, busDelayMax: .milliseconds(300)),
      limits: .withoutSweeps),
    Scenario(
      name: "store away, no sweeps", faults: World.Faults(storeOutages: true),
      limits: .withoutSweeps),
    Scenario(name: "slow readers, no sweeps", faults: .slow, limits: .withoutSweeps),
    Scenario(
      name: "every fault but losses, no sweeps", faults: .everyRepaired,
      limits: .withoutAnySweeps),
    Scenario(
      name: "large rooms on one loop, no sweeps", size: .oneLoop, faults: .lateTimers,
      limits: .largeRooms, allowsGaps: true),
    Scenario(
      name: "large rooms, every fault but losses, no sweeps", faults: .everyRepairedAndLateTimers,
      limits: .largeRooms, allowsGaps: true),
    Scenario(name: "every fault", faults: .every),
    Scenario(
      name: "every fault, tight limits", faults: .every, limits: .tight,
      allowsGaps: true),
  ]

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

extension HubLimits {
  fileprivate static let manySweeps: HubLimits = {
    var limits = HubLimits()
    limits.sweepInterval = .milliseconds(500)
    return limits
  }()

  fileprivate static let withoutSweeps: HubLimits = {
    var limits = HubLimits()
    limits.sweepInterval = .seconds(100_000)
    return limits
  }()

  /// Not even while the bus is away.
  fileprivate static let withoutAnySweeps: HubLimits = {
    var limits = withoutSweeps
    limits.outageSweepInterval = .seconds(100_000)
    return limits
  }()

  fileprivate static let fewRoutes: HubLimits = {
    var limits = withoutSweeps
    limits.routesMax = 2
    limits.unverifiedMessagesMax = 3
    return limits
  }()

  /// Two sessions are many, and two entries too many.
  fileprivate static let largeRooms: HubLimits = {
    var limits = withoutAnySweeps
    limits.fanoutSessionsMax = 1
    limits.fanoutsPerRoomMax = 2
    limits.fanoutsMax = 5
    return limits
  }()

  fileprivate static let tight: HubLimits = {
    var limits = HubLimits()
    limits.messagesHeldMax = 2
    limits.messagesHeldPerUserMax = 3
    limits.resumedMessagesMax = 6
    limits.resumePageMax = 2
    limits.pageBytesMax = 20
    limits.holeMessagesMax = 4
    limits.holePageMax = 2
    limits.messagesBehindResumeMax = 2
    limits.readsInFlightMax = 3
    limits.sendsInFlightMax = 2
    limits.appendsInFlightMax = 3
    limits.broadcastsPerSecond = 2
    limits.broadcastsBurst = 2
    return limits
  }()
}

extension World.Faults {
  fileprivate static let slow = World.Faults(congestion: true)
  fileprivate static let calm = World.Faults(busDelayMax: .milliseconds(15))

  fileprivate static let every = World.Faults(
    crashes: true, busOutages: true, batchesLost: 20, registryOutages: true,
    registryFlushes: true, guardLosses: true, storeOutages: true, congestion: true,
    takeovers: true, removals: true, newsDelayMax: .milliseconds(300))

  /// Those of which somebody hears.
  fileprivate static let everyRepaired: World.Faults = {
    var faults = every
    faults.batchesLost = 0
    return faults
  }()

  fileprivate static let lateTimers = World.Faults(
    congestion: true, takeovers: true, removals: true, timerDelayMax: .milliseconds(300))

  fileprivate static let everyRepairedAndLateTimers: World.Faults = {
    var faults = everyRepaired
    faults.timerDelayMax = .milliseconds(300)
    return faults
  }()
}
