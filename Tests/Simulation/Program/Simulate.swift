import ArgumentParser
import ChatCore
import Glibc
import Simulation

/// Runs the simulation of nodes, back ends and clients under many seeds, each in every scenario or,
/// with `--spread`, in one.
@main
struct Simulate: AsyncParsableCommand {
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

  func run() async throws {
    guard let range else { return }
    let report = await withTaskGroup(of: Report.self) { group in
      let taskCount = UInt64(trace ? 1 : sysconf(Int32(_SC_NPROCESSORS_ONLN)))
      for first in range.lowerBound..<(range.lowerBound + taskCount) {
        group.addTask {
          var report = Report()
          for seed in stride(from: first, through: range.upperBound, by: Int(taskCount)) {
            run(seed, &report)
          }
          return report
        }
      }
      return await group.reduce(into: Report()) { $0.add($1) }
    }
    print("\(report.runs) runs, \(report.failures) with violations")
    if report.failures > 0 { throw ExitCode.failure }
  }

  private struct Report: Sendable {
    var runs = 0
    var failures = 0

    mutating func add(_ other: Report) {
      runs += other.runs
      failures += other.failures
    }
  }

  private func run(_ seed: UInt64, _ report: inout Report) {
    let chosen = spread ? [scenarios[Int(seed % UInt64(scenarios.count))]] : scenarios
    for scenario in chosen {
      let world = scenario.run(seed: seed, isTraced: trace)
      defer { world.end() }
      report.runs += 1
      if trace { for line in world.trace { print(line) } }
      let violations = world.violations
      guard let first = violations.first else { continue }
      report.failures += 1
      print("seed \(seed), \(scenario.name): \(violations.count) violations, \(first)")
    }
  }
}
