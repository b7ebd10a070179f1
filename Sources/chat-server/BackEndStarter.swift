import AMQPClient
import ChatBackends
import ChatCore
import Gateway
import Glibc
import Logging
import PostgresClient
import Reactor
import RedisClient

/// Starts the back ends that the settings name, one after the other: the database, which gives the
/// node its epoch; the bus, which takes its queue; the registry, which takes its lease.
///
/// The queue comes before the lease because the broker lets only one process have it: a second
/// process with this node's name is refused there, and has changed nothing for the first.
///
/// Confined to the control loop. Each step reports once, and the first failure ends the start.
final class BackEndStarter {
  typealias Completion = (Result<NodeBackEnds, StartError>) -> Void

  private let settings: Settings
  private let loop: EventLoop
  private let log: Logger
  private let event: @Sendable (NodeEvent) -> Void
  private let fatal: (String) -> Void
  private let resolver: Resolver
  /// Brings what the clients report, on whatever thread, back to the loop.
  private var steps: Mailbox<Step>?
  private var completion: Completion?
  private var parts = NodeBackEnds.Parts()

  private enum Step: Sendable {
    case registryStarted(Result<Void, BackendFailure>)
    case busStarted(Result<Void, BackendFailure>)
    /// At any time later: another process has taken this node's place.
    case displaced(String)
  }

  init(
    _ settings: Settings, on loop: EventLoop, log: Logger,
    event: @escaping @Sendable (NodeEvent) -> Void, fatal: @escaping (String) -> Void
  ) {
    self.settings = settings
    self.loop = loop
    self.log = log
    self.event = event
    self.fatal = fatal
    resolver = Resolver(on: loop)
  }

  func start(_ completion: @escaping Completion) {
    self.completion = completion
    steps = loop.makeMailbox { [self] in for step in $0 { take(step) } }
    switch settings.database {
    case .sqlite(let path): openSQLite(path)
    case .postgres(let configuration): connectPostgres(configuration)
    }
  }

  private func take(_ step: Step) {
    switch step {
    case .busStarted(.success): startRegistry()
    case .registryStarted(.success): finish()
    case .registryStarted(.failure(let failure)), .busStarted(.failure(let failure)):
      fail(failure.description)
    case .displaced(let reason): fatal(reason)
    }
  }

  // MARK: The database

  private func openSQLite(_ path: String) {
    do throws(StoreStartError) {
      if let directory = path.lastIndex(of: "/") { makeDirectory(String(path[..<directory])) }
      let store = try SQLiteMessageStore(path: path, node: settings.node, log: log)
      parts.store = store
      parts.epoch = store.epoch
      parts.closeStore = { store.close() }
    } catch {
      return fail(error.description)
    }
    startBus()
  }

  /// For its owner only: it will hold everybody's messages. If it cannot be made, opening says why.
  private func makeDirectory(_ path: String) {
    guard !path.isEmpty else { return }
    mkdir(path, 0o700)
  }

  private func connectPostgres(_ configuration: PostgresConfiguration) {
    PostgresMessageStore.start(
      configuration, node: settings.node, on: loop, resolver: resolver, log: log
    ) { [self] result in
      switch result {
      case .success(let store):
        parts.store = store
        parts.epoch = store.epoch
        parts.closeStore = { store.close() }
        startBus()
      case .failure(let error):
        fail(error.description)
      }
    }
  }

  // MARK: The registry and the bus

  private func startRegistry() {
    guard let endpoint = settings.redis, let steps else { return finish() }
    let registry = RedisRegistry(
      endpoint: endpoint, node: settings.node, on: loop, log: log, events: event,
      leaseTaken: { epoch in
        steps.post(.displaced("another process of this node, of epoch \(epoch), took the lease"))
      })
    parts.registry = registry
    registry.start(epoch: parts.epoch) { steps.post(.registryStarted($0)) }
  }

  private func startBus() {
    guard let endpoint = settings.amqp, let steps else { return finish() }
    let latency = parts.latency
    let bus = RabbitMQBus(
      endpoint: endpoint, node: settings.node, on: loop, log: log,
      onLatency: { nanoseconds in latency.withLock { $0.record(nanoseconds: nanoseconds) } },
      onFatal: { steps.post(.displaced($0.description)) }, events: event)
    parts.bus = bus
    bus.start { steps.post(.busStarted($0)) }
  }

  // MARK: The end

  private func finish() {
    guard let completion = completion.take() else { return }
    completion(.success(NodeBackEnds(parts, node: settings.node, on: loop)))
  }

  private func fail(_ reason: String) {
    guard let completion = completion.take() else { return }
    parts.closeStore()
    completion(.failure(StartError(description: reason)))
  }
}
