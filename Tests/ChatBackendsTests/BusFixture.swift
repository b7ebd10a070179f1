import AMQPClient
import ChatBackends
import ChatCore
import ChatProtocol
import Logging
import Reactor
import TestServers

/// The buses that one contract holds for.
enum BusKind: CaseIterable, Sendable {
  case inProcess
  case rabbitMQ
}

/// The nodes of one test, each with its bus.
final class BusFixture: Sendable {
  /// One broker for all tests, which therefore run one after another.
  static let server = Result { try RabbitMQServer() }

  private let kind: BusKind
  private let network = InProcessNetwork()
  let loop = TestLoop()

  init(_ kind: BusKind) { self.kind = kind }

  /// - Parameter name: unique to the test, as the queue outlives it.
  func start(_ name: String) async throws -> BusNode {
    let id = NodeID(name)!
    switch kind {
    case .inProcess:
      let events = Collector<NodeEvent>()
      let bus = InProcessBus(node: id, on: network) { events.add($0) }
      return BusNode(id: id, bus: bus, events: events)
    case .rabbitMQ:
      let node = await Self.make(id, url: try Self.server.get().url, on: loop)
      try await node.start()
      return node
    }
  }

  static func make(
    _ id: NodeID, url: String, on loop: TestLoop, heartbeatSeconds: UInt16 = 10
  ) async -> BusNode {
    let node = BusNode(id: id, bus: nil)
    let bus = await loop.run { loop in
      var limits = AMQPLimits()
      limits.heartbeatSeconds = heartbeatSeconds
      limits.reconnectDelayMax = .milliseconds(200)
      return RabbitMQBus(
        endpoint: AMQPEndpoint(url)!, node: id, limits: limits, on: loop,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        onLatency: { node.latencies.add($0) }, onFatal: { node.fatals.add($0) },
        events: { node.events.add($0) })
    }
    return BusNode(
      id: id, bus: bus, events: node.events, latencies: node.latencies, fatals: node.fatals)
  }
}

/// One node's bus, and what it told.
struct BusNode: Sendable {
  let id: NodeID
  let bus: (any MessageBus)?
  var events = Collector<NodeEvent>()
  var latencies = Collector<UInt64>()
  var fatals = Collector<BackendFailure>()

  var rabbit: RabbitMQBus { bus as! RabbitMQBus }

  func start() async throws {
    let rabbit = rabbit
    try await withCheckedContinuation { continuation in
      rabbit.start { continuation.resume(returning: $0) }
    }.get()
  }

  func stop() async {
    if let bus = bus as? InProcessBus { return bus.stop() }
    let rabbit = rabbit
    await withCheckedContinuation { continuation in rabbit.stop { continuation.resume() } }
  }

  func publish(_ destination: Destination, _ numbers: Range<Int>, bodyBytes: Int = 16) {
    bus!.publish(numbers.map { (destination, envelope($0, bodyBytes: bodyBytes)) })
  }

  /// The numbers of the envelopes that arrived, in order.
  var arrived: [Int] { events.all.flatMap(\.arrivedNumbers) }

  func arrived(count: Int, within timeout: Duration = .seconds(10)) async -> [Int] {
    await events.wait(timeout) { $0.reduce(0) { $0 + $1.arrivedNumbers.count } >= count }
      .flatMap(\.arrivedNumbers)
  }

  var returned: [Int] { events.all.flatMap(\.returnedNumbers) }
  var recoveries: Int { events.all.filter(\.isBusRecovered).count }
}

func envelope(_ number: Int, bodyBytes: Int = 16) -> Envelope {
  let (alice, bob) = (UserID("alice")!, UserID("bob")!)
  let message = Message(
    conversation: ConversationID(direct: alice, bob), sequence: UInt64(number + 1), sender: alice,
    clientID: "c\(number)", timestamp: 1, body: [UInt8](repeating: 120, count: bodyBytes),
    reference: nil)
  return .deliver(Delivery(message: message, recipients: [bob]))
}

extension NodeEvent {
  var arrivedNumbers: [Int] {
    if case .arrived(let envelopes) = self { envelopes.compactMap(\.number) } else { [] }
  }

  var returnedNumbers: [Int] {
    if case .returned(let envelopes, _) = self { envelopes.compactMap(\.number) } else { [] }
  }

  var isBusRecovered: Bool {
    if case .busRecovered = self { true } else { false }
  }
}

extension Envelope {
  fileprivate var number: Int? {
    if case .deliver(let delivery) = self { Int(delivery.message.sequence) - 1 } else { nil }
  }
}
