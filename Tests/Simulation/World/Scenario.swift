package import ChatCore
import ChatProtocol

/// Which faults there are, what the hubs' limits are, and what may come of it.
package struct Scenario: Sendable {
  package let name: String
  package var size = World.Size.three
  package var faults: World.Faults
  package var limits = HubLimits()
  /// Whether something has to be given up, so that a `gap` is right.
  package var allowsGaps = false
  /// Whether a hub may ask the store for what nobody delivered.
  package var allowsRepair = true

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
    let calm = World.Faults(busDelayMax: .milliseconds(15))
    let every = World.Faults(
      crashes: true, busOutages: true, envelopesLost: 20, registryOutages: true,
      registryFlushes: true, guardLosses: true, storeOutages: true, congestion: true,
      takeovers: true, removals: true,
      newsDelayMax: .milliseconds(300))
    var fewRoutes = withoutSweeps
    fewRoutes.routesMax = 2
    fewRoutes.unverifiedMessagesMax = 3
    return [
      Scenario(name: "no faults", faults: World.Faults()),
      Scenario(
        name: "no faults, no sweeps", faults: World.Faults(), limits: withoutSweeps),
      Scenario(
        name: "no faults, no repair", faults: calm, limits: withoutSweeps,
        allowsRepair: false),
      Scenario(
        name: "one node, no sweeps", size: .alone, faults: World.Faults(), limits: withoutSweeps),
      Scenario(
        name: "one node, store away", size: .alone,
        faults: World.Faults(crashes: true, storeOutages: true)),
      Scenario(name: "crashes", faults: World.Faults(crashes: true)),
      Scenario(
        name: "lossy bus", faults: World.Faults(busOutages: true, envelopesLost: 100)),
      Scenario(
        name: "registry away",
        faults: World.Faults(registryOutages: true, registryFlushes: true, takeovers: true)),
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
        name: "removals, slow bus",
        faults: World.Faults(crashes: true, removals: true, busDelayMax: .milliseconds(300))),
      Scenario(name: "store away", faults: World.Faults(storeOutages: true)),
      Scenario(name: "every fault", faults: every, allowsGaps: true),
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
    let world = World(seed: seed, size: size, faults: faults, limits: limits, isTraced: isTraced)
    world.run(for: span)
    return world
  }
}
