import ChatCore
import Simulation
import Testing

@Suite
struct SimulationTests {
  static let seeds: ClosedRange<UInt64> = 1...5

  @Test(arguments: Scenario.all)
  func `every device ends with every message, in order, once`(_ scenario: Scenario) {
    for seed in Self.seeds {
      let violations = scenario.run(seed: seed).violations
      guard violations.isEmpty else {
        Issue.record("seed \(seed): \(violations.prefix(5).joined(separator: "\n"))")
        return
      }
    }
  }

  @Test
  func `the same seed gives the same run`() throws {
    let scenario = try #require(Scenario.all.last)
    let trace = scenario.run(seed: 11, isTraced: true).trace
    #expect(trace.count > 1_000)
    #expect(scenario.run(seed: 11, isTraced: true).trace == trace)
    #expect(scenario.run(seed: 12, isTraced: true).trace != trace)
  }

  @Test
  func `gaps take the place of what large rooms cannot be handed in time`() throws {
    let scenario = try #require(Scenario.all.first { $0.name.contains("large rooms on one loop") })
    var condensed = 0
    for seed in Self.seeds {
      for hub in scenario.run(seed: seed).nodes.flatMap(\.hubs) {
        condensed += hub.hub.counters.condensed
      }
    }
    #expect(condensed > 50)
  }

  @Test
  func `kept routes are used, go stale, and are looked up again`() throws {
    let scenario = try #require(Scenario.all.first { $0.name.contains("late news") })
    var counters = HubCounters()
    for seed in Self.seeds {
      for hub in scenario.run(seed: seed).nodes.flatMap(\.hubs) {
        counters.routedAsKept += hub.hub.counters.routedAsKept
        counters.routesChanged += hub.hub.counters.routesChanged
        counters.reroutes += hub.hub.counters.reroutes
      }
    }
    #expect(counters.routedAsKept > 100)
    #expect(counters.routesChanged > 10)
    #expect(counters.reroutes > 10)
  }
}

extension Scenario: CustomTestStringConvertible {
  public var testDescription: String { name }
}
