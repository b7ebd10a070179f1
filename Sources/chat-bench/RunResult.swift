import Histogram

/// What a run came to.
struct RunResult {
  var plan: Plan
  var tally: Tally
  /// From the first message to the end of sending.
  var seconds: Double
  /// Idle sessions that were up at the end.
  var up: Int
  /// Sessions that came up at all.
  var sessions: Int
  /// From the first connect to the last session that came up.
  var rampSeconds: Double
  /// CPU time of the server from the first message to the last delivery.
  var serverNanoseconds: UInt64?

  var isSuccess: Bool {
    !tally.hasFailed && sessions == plan.sessions && up == plan.idle
  }

  private static let percentiles: [(name: String, value: Double)] = [
    ("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100),
  ]

  private var verdicts: [(name: String, count: UInt64)] {
    [
      ("lost", tally.lost), ("duplicated", tally.duplicated),
      ("out of order", tally.outOfOrder), ("altered", tally.altered),
      ("unacknowledged", tally.unacknowledged), ("refused", tally.refused),
    ]
  }

  private var sessionsPerSecond: UInt64 {
    rampSeconds > 0 ? UInt64(Double(sessions) / rampSeconds) : 0
  }

  private func rate(_ count: UInt64) -> UInt64 {
    seconds > 0 ? UInt64(Double(count) / seconds) : 0
  }

  /// Nanoseconds of the server's CPU time per delivered message.
  private var serverPerDelivery: UInt64? {
    tally.delivered > 0 ? serverNanoseconds.map { $0 / tally.delivered } : nil
  }

  // MARK: - For people

  var text: String {
    var lines = ["\(padded("sessions"))\(sessions), \(sessionsPerSecond)/s"]
    if plan.idle > 0 { lines.append("idle sessions up  \(up) of \(plan.idle)") }
    if plan.hasLoad {
      lines.append(line("accepted", tally.sent))
      lines.append(line("acked", tally.acked, inTime: tally.ackedInTime))
      lines.append(line("delivered", tally.delivered, inTime: tally.deliveredInTime))
      lines.append(line("send to ack", tally.sendToAck))
      lines.append(line("send to delivery", tally.sendToDelivery))
      if plan.members > 0 { lines.append(line("send to last", tally.sendToLast)) }
      if let serverPerDelivery {
        lines.append("\(padded("server"))\(serverPerDelivery) ns of CPU per delivery")
      }
      if plan.pairs > 0, plan.rate != nil {
        lines.append(line("ack to delivery", tally.ackToDelivery))
      }
    }
    for (name, count) in verdicts { lines.append("\(padded(name))\(count)") }
    lines.append(
      "\(padded("besides"))\(tally.reconnects) reconnects, \(tally.unopened) connections refused, "
        + "\(tally.retried) sent again, \(tally.gaps) gaps fetched")
    return lines.joined(separator: "\n")
  }

  private func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(1, 18 - name.count))
  }

  private func line(_ name: String, _ count: UInt64, inTime: UInt64? = nil) -> String {
    "\(padded(name))\(count), \(rate(inTime ?? count))/s"
  }

  private func line(_ name: String, _ histogram: Histogram<UInt64>) -> String {
    let values = Self.percentiles.map { percentile in
      let microseconds = histogram.valueAtPercentile(percentile.value)
      return "\(percentile.name) \(microseconds / 1_000).\(microseconds % 1_000 / 100) ms"
    }
    return padded(name) + values.joined(separator: ", ")
  }

  // MARK: - For programs

  /// One object; latencies are in microseconds.
  var json: String {
    var members = [
      #""ok":\#(isSuccess)"#, #""prefix":"\#(plan.prefix)""#, #""pairs":\#(plan.pairs)"#,
      #""sessions":\#(sessions)"#, #""ramp_seconds":\#(json(rampSeconds))"#,
      #""sessions_per_s":\#(sessionsPerSecond)"#, #""idle":\#(plan.idle)"#, #""idle_up":\#(up)"#,
      #""window":\#(plan.window)"#,
      #""size":\#(plan.size)"#, #""seconds":\#(json(seconds))"#,
      #""accepted":\#(tally.sent)"#, #""acked":\#(tally.acked)"#,
      #""delivered":\#(tally.delivered)"#, #""accepted_per_s":\#(rate(tally.sent))"#,
      #""acked_per_s":\#(rate(tally.ackedInTime ?? tally.acked))"#,
      #""delivered_per_s":\#(rate(tally.deliveredInTime ?? tally.delivered))"#,
      #""send_to_ack_us":\#(json(tally.sendToAck))"#,
      #""members":\#(plan.members)"#, #""server_cpu_ns":\#(serverPerDelivery ?? 0)"#,
      #""send_to_last_us":\#(json(tally.sendToLast))"#,
      #""send_to_delivery_us":\#(json(tally.sendToDelivery))"#,
      #""ack_to_delivery_us":\#(json(tally.ackToDelivery))"#,
    ]
    for (name, count) in verdicts {
      members.append("\"\(name.split(separator: " ").joined(separator: "_"))\":\(count)")
    }
    members += [
      #""reconnects":\#(tally.reconnects)"#, #""retried":\#(tally.retried)"#,
      #""gaps":\#(tally.gaps)"#, #""unopened":\#(tally.unopened)"#,
      #""returns_per_s_max":\#(tally.returns.values.max() ?? 0)"#,
    ]
    return "{" + members.joined(separator: ",") + "}"
  }

  private func json(_ seconds: Double) -> String { "\((seconds * 1_000).rounded() / 1_000)" }

  private func json(_ histogram: Histogram<UInt64>) -> String {
    let members = Self.percentiles.map { percentile in
      "\"\(percentile.name)\":\(histogram.valueAtPercentile(percentile.value))"
    }
    return "{" + members.joined(separator: ",") + "}"
  }
}
