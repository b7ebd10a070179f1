import ArgumentParser
import ChatCore
import Glibc
import Simulation

/// Runs the simulation of nodes, back ends and clients under many seeds, each in every scenario or,
/// with `--spread`, in one.
@main
struct Simulate: ParsableCommand {
  @Option(help: "The first and the last seed: FIRST..LAST.")
  var seeds = "1..1000"

  @Option(help: "Only scenarios whose names contain this.")
  var scenario = ""

  @Flag(help: "Each seed in one scenario, which the seed chooses.")
  var spread = false

  @Flag(help: "Print what devices and hubs went through.")
  var trace = false

  func validate() throws {
    guard range != nil else { throw ValidationError("--seeds is FIRST..LAST") }
    guard !scenarios.isEmpty else { throw ValidationError("no scenario is called so") }
  }

  private var range: ClosedRange<UInt64>? {
    let ends = seeds.split(separator: ".").compactMap { UInt64($0) }
    guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last else {
      return nil
    }
    return first...last
  }

  private var scenarios: [Scenario] { Scenario.all.filter { $0.name.contains(scenario) } }

  func run() throws {
    guard let range else { return }
    var runs = 0
    var failures = 0
    for seed in range {
      let chosen = spread ? [scenarios[Int(seed % UInt64(scenarios.count))]] : scenarios
      for scenario in chosen {
        let world = scenario.run(seed: seed, isTraced: trace)
        runs += 1
        if trace { for line in world.trace { print(line) } }
        let violations = world.violations(scenario)
        guard let first = violations.first else { continue }
        failures += 1
        print("seed \(seed), \(scenario.name): \(violations.count) violations, \(first)")
      }
    }
    print("\(runs) runs, \(failures) with violations")
    if failures > 0 { throw ExitCode.failure }
  }
}
