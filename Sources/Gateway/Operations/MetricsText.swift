package import ChatCore

/// Metrics in the Prometheus text format, version 0.0.4.
package struct MetricsText {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  package private(set) var text = ""

  package init() {}

  package mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    describe(name, help, type: "counter")
    text += "\(name) \(value)\n"
  }

  package mutating func gauge(_ name: String, _ help: String, _ value: some Numeric) {
    describe(name, help, type: "gauge")
    text += "\(name) \(value)\n"
  }

  /// One gauge with a label, such as the depth of each queue. The values of a label are the
  /// program's own, never a peer's, so the number of series is constant.
  package mutating func gauges(
    _ name: String, _ help: String, label: String, _ values: [(String, some Numeric)]
  ) {
    describe(name, help, type: "gauge")
    addSeries(name, label: label, values)
  }

  /// A histogram in seconds.
  package mutating func histogram(_ name: String, _ help: String, _ value: LatencyHistogram) {
    describe(name, help, type: "histogram")
    var total: UInt64 = 0
    for (bound, count) in zip(LatencyHistogram.bounds, value.counts) {
      total += count
      text += "\(name)_bucket{le=\"\(seconds(bound))\"} \(total)\n"
    }
    total += value.counts.last ?? 0
    text += "\(name)_bucket{le=\"+Inf\"} \(total)\n"
    text += "\(name)_sum \(seconds(value.sumNanoseconds))\n"
    text += "\(name)_count \(total)\n"
  }

  /// One counter with a label, whose values are the program's own as those of `gauges`.
  package mutating func counters(
    _ name: String, _ help: String, label: String, _ values: [(String, UInt64)]
  ) {
    describe(name, help, type: "counter")
    addSeries(name, label: label, values)
  }

  private mutating func addSeries(
    _ name: String, label: String, _ values: [(String, some Numeric)]
  ) {
    for (key, value) in values { text += "\(name){\(label)=\"\(key)\"} \(value)\n" }
  }

  private mutating func describe(_ name: String, _ help: String, type: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}
