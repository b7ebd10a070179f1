import ChatBackends
import ChatCore
import Logging
import PostgresClient
import Reactor
import TestServers

/// The server that tests share which do not disturb it; each takes a database of its own.
enum SharedPostgres {
  static let server = Result { try PostgresServer() }
}

/// A store with a loop of its own, as one node has.
struct PostgresNode {
  let store: PostgresMessageStore
  private let stop: Mailbox<Void>
  private let thread: LoopThread

  /// Starts a store, or throws why that could not be.
  static func start(
    _ configuration: PostgresConfiguration, node: NodeID, log: Logger = quietLog
  ) async throws -> PostgresNode {
    let started = Started()
    let thread = LoopThread(name: "postgres-\(node)") { loop in
      let stop = loop.makeMailbox(Void.self) { _ in loop.stop() }
      PostgresMessageStore.start(
        configuration, node: node, on: loop, resolver: Resolver(on: loop), log: log
      ) { result in
        if case .failure = result { loop.stop() }
        started.set(result.map { ($0, stop) })
      }
    }
    let (store, stop) = try await started.value()
    return PostgresNode(store: store, stop: stop, thread: thread)
  }

  func close() {
    store.close()
    stop.post(())
    thread.join()
  }

  private final class Started: Sendable {
    typealias Value = Result<(PostgresMessageStore, Mailbox<Void>), StoreStartError>

    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func set(_ value: Value) { continuation.yield(value) }

    func value() async throws -> (PostgresMessageStore, Mailbox<Void>) {
      for await value in stream { return try value.get() }
      throw CancellationError()
    }
  }
}

func postgresFixture(server: PostgresServer) throws -> StoreFixture {
  let database = try server.makeDatabase()
  let nodes = Locked<[PostgresNode]>([])
  return StoreFixture(
    open: { name in
      let started = try await PostgresNode.start(
        server.configuration(database: database), node: name)
      nodes.withLock { $0.append(started) }
      return started.store
    },
    conversationCount: {
      let count = try server.run("SELECT count(*) FROM conversations", database: database)
      return Int(count) ?? 0
    },
    close: { for node in nodes.withLock({ $0 }) { node.close() } })
}

extension PostgresServer {
  func configuration(database: String) -> PostgresConfiguration {
    PostgresConfiguration(host: "127.0.0.1", port: port, user: "postgres", database: database)
  }
}
