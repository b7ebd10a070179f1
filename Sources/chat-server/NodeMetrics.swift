import ChatBackends
import ChatCore
import Gateway
import Reactor
import TLS

/// The node's figures as Prometheus reads them. The names are described in docs/operations.md.
struct NodeMetrics {
  let reports: [WorkerReport]
  let node: Node

  private func sum(_ value: KeyPath<WorkerReport, Int>) -> Int {
    reports.reduce(0) { $0 + $1[keyPath: value] }
  }

  private func total(_ value: KeyPath<WorkerReport, UInt64>) -> UInt64 {
    reports.reduce(0) { $0 + $1[keyPath: value] }
  }

  private func total(_ value: KeyPath<WorkerReport, Int>) -> UInt64 {
    UInt64(clamping: sum(value))
  }

  var text: String {
    var metrics = MetricsText()
    addConnections(to: &metrics)
    addCarriers(to: &metrics)
    addMessages(to: &metrics)
    addLatencies(to: &metrics)
    addBus(to: &metrics)
    addQueues(to: &metrics)
    return metrics.text
  }

  private func addConnections(to metrics: inout MetricsText) {
    metrics.gauge(
      "chat_connections", "Client connections open now.", sum(\.gateway.connections))
    metrics.gauge("chat_sessions", "Sessions that said hello.", sum(\.hub.sessions))
    metrics.gauge("chat_users", "Users with a session, per event loop.", sum(\.hub.users))
    metrics.counter(
      "chat_connections_accepted_total", "Connections accepted.", total(\.gateway.accepted))
    metrics.counter(
      "chat_connections_refused_total", "Connections closed as they came.",
      total(\.gateway.refused))
    metrics.counter(
      "chat_address_limit_total",
      "Connections, forwarded requests and TLS handshakes over the limit of an address.",
      total(\.gateway.overAddressLimit))
    metrics.counter(
      "chat_proxy_headers_refused_total", "Connections of proxies without a PROXY header.",
      total(\.gateway.badProxyHeaders))
    addHandshakes(to: &metrics)
    metrics.counter("chat_http_requests_total", "HTTP requests.", total(\.gateway.requests))
    metrics.counter(
      "chat_http_bad_requests_total", "Requests that were no HTTP.", total(\.gateway.badRequests))
    metrics.counter(
      "chat_websocket_upgrades_total", "WebSocket handshakes done.", total(\.gateway.upgrades))
    metrics.counter(
      "chat_websocket_protocol_errors_total", "Connections failed for what they sent.",
      total(\.gateway.protocolErrors))
    metrics.counter(
      "chat_connections_overflowed_total", "Connections closed with too much pending.",
      total(\.gateway.overflows))
    metrics.gauge(
      "chat_pending_bytes", "Memory for what connections could not be sent yet.",
      sum(\.backlogBytes))
    metrics.gauge(
      "chat_loop_longest_turn_seconds", "The longest turn of a loop since the last scrape.",
      reports.map { Double($0.longestTurn.wholeNanoseconds) / 1e9 }.max() ?? 0)
  }

  private func addCarriers(to metrics: inout MetricsText) {
    metrics.gauges(
      "chat_sockjs_sessions", "SockJS sessions, by what carries them.", label: "carrier",
      [("websocket", sum(\.sockJS.sockets)), ("requests", sum(\.sockJS.sessions))])
    metrics.counter(
      "chat_sockjs_carried_total", "SockJS requests for sessions of other nodes.",
      total(\.sockJS.carried))
    metrics.gauge("chat_stomp_sessions", "STOMP sessions open now.", sum(\.stompSessions))
  }

  private func addHandshakes(to metrics: inout MetricsText) {
    metrics.gauge(
      "chat_tls_handshakes_under_way", "TLS handshakes begun and not done.",
      sum(\.gateway.handshakes))
    metrics.counter(
      "chat_tls_handshakes_total", "TLS handshakes done.", total(\.gateway.handshakesDone))
    metrics.counter(
      "chat_tls_handshake_failures_total", "Connections closed before their handshake was done.",
      total(\.gateway.handshakesFailed))
    metrics.counters(
      "chat_tls_handshake_errors_total", "TLS handshakes that failed of what the client sent.",
      label: "reason",
      TLSFailure.allCases.map { failure in
        let counts = reports.map { $0.gateway.handshakeFailures[failure] ?? 0 }
        return (failure.rawValue, counts.reduce(0, +))
      })
    guard let end = node.tls?.context.certificateEnd else { return }
    metrics.gauge(
      "chat_tls_certificate_end_seconds", "When the certificate ends, in seconds since 1970.",
      Int(end))
  }

  private func addMessages(to metrics: inout MetricsText) {
    metrics.counter("chat_messages_in_total", "Sends received.", total(\.hub.sendsReceived))
    metrics.counter("chat_messages_acked_total", "Sends committed and acked.", total(\.hub.acked))
    metrics.gauge("chat_rooms", "Rooms with members here, by loop.", sum(\.hub.rooms))
    metrics.gauge(
      "chat_room_fanouts_waiting", "Entries of large rooms not yet handed to all members.",
      sum(\.hub.fanoutsWaiting))
    metrics.counter(
      "chat_room_entries_condensed_total", "Entries of large rooms whose place a gap took.",
      total(\.hub.condensed))
    metrics.counter(
      "chat_messages_duplicate_total", "Sends that had been committed before.",
      total(\.hub.duplicates))
    metrics.counter(
      "chat_messages_delivered_total", "Messages handed to sessions.", total(\.hub.delivered))
    metrics.counter(
      "chat_messages_resumed_total", "Messages sent after a hello.", total(\.hub.resumed))
    metrics.counter(
      "chat_messages_dropped_total", "Messages that arrived a second time.", total(\.hub.dropped))
    metrics.counter(
      "chat_holes_total", "Missing numbers that were waited for.", total(\.hub.holes))
    metrics.counter("chat_gaps_total", "Gaps told to clients.", total(\.hub.gaps))
    metrics.counter(
      "chat_retention_removed_total", "Entries removed that had been kept for long enough.",
      node.retention?.removed ?? 0)
    metrics.counter(
      "chat_published_total", "Envelopes given to the bus.", total(\.hub.published))
    metrics.counter(
      "chat_routed_as_kept_total", "Messages whose recipients' nodes were known.",
      total(\.hub.routedAsKept))
    metrics.counter(
      "chat_route_lookups_total", "Look-ups of a user's nodes in Redis.", total(\.hub.lookups))
    metrics.counter(
      "chat_routes_changed_total", "Known nodes of a user that changed.",
      total(\.hub.routesChanged))
    metrics.counter(
      "chat_reroutes_total", "Messages looked up again because a user's nodes changed.",
      total(\.hub.reroutes))
    metrics.counter(
      "chat_dead_routes_total", "Envelopes that came back.", total(\.hub.deadRoutes))
    metrics.counter(
      "chat_refused_total", "Commands refused for their rate.", total(\.hub.refused))
    metrics.counter(
      "chat_malformed_total", "Frames that were no command.", total(\.hub.malformed))
  }

  private func addLatencies(to metrics: inout MetricsText) {
    var sendToAck = LatencyHistogram()
    for report in reports { sendToAck.add(report.hub.sendToAck) }
    metrics.histogram(
      "chat_send_to_ack_seconds", "From a send's arrival to its ack.", sendToAck)
    metrics.histogram(
      "chat_publish_to_consume_seconds", "From publishing to receiving, by both nodes' clocks.",
      node.backEnds?.latency ?? LatencyHistogram())
  }

  private func addBus(to metrics: inout MetricsText) {
    let bus = node.backEnds?.busCounters ?? .zero
    metrics.counter(
      "chat_bus_envelopes_published_total", "Envelopes sent to the broker.",
      UInt64(clamping: bus.publishedEnvelopes))
    metrics.counter(
      "chat_bus_messages_published_total", "Broker messages they went in.",
      UInt64(clamping: bus.publishedMessages))
    metrics.counter(
      "chat_bus_envelopes_received_total", "Envelopes from the broker.",
      UInt64(clamping: bus.receivedEnvelopes))
    metrics.counter(
      "chat_bus_envelopes_returned_total", "Envelopes to a node without a queue.",
      UInt64(clamping: bus.returnedEnvelopes))
    metrics.counter(
      "chat_bus_envelopes_dropped_total", "Envelopes dropped while the broker was away.",
      UInt64(clamping: bus.droppedEnvelopes))
    metrics.counter(
      "chat_bus_undecodable_total", "Broker messages that held no envelopes.",
      UInt64(clamping: bus.undecodableMessages))
  }

  private func addQueues(to metrics: inout MetricsText) {
    metrics.gauges(
      "chat_queue_depth", "What waits, by queue.", label: "queue",
      [
        ("store_appends", sum(\.hub.appendsInFlight)), ("store_reads", sum(\.hub.readsInFlight)),
        ("reads_waiting", sum(\.hub.readsWaiting)),
        ("bus_envelopes", node.backEnds?.busCounters?.queuedEnvelopes ?? 0),
      ])
  }
}
