import ChatBackends
import ChatCore
import ChatProtocol
import Logging
import Reactor
import RedisClient
import TestServers

/// The registries that one contract holds for.
enum RegistryKind: CaseIterable, Sendable {
  case memory
  case redis
}

/// The nodes of one test, each with its registry.
final class RegistryFixture: Sendable {
  let server: RedisServer?
  private let routes = MemoryRoutes()
  private let loop = TestLoop()

  init(_ kind: RegistryKind) throws {
    switch kind {
    case .memory: server = nil
    case .redis: server = try RedisServer()
    }
  }

  func start(_ name: String, epoch: UInt64 = 1) async throws -> RegistryNode {
    let node = NodeID(name)!
    guard let server else {
      let events = Collector<NodeEvent>()
      let registry = MemoryRegistry(node: node, epoch: epoch, sharing: routes) { events.add($0) }
      return RegistryNode(id: node, registry: registry, events: events)
    }
    var started = try await Self.start(node, epoch: epoch, url: server.url, on: loop)
    started.fixture = self
    return started
  }

  static func start(
    _ id: NodeID, epoch: UInt64, url: String, on loop: TestLoop,
    commandTimeout: Duration = .milliseconds(500)
  ) async throws -> RegistryNode {
    let events = Collector<NodeEvent>()
    let takers = Collector<UInt64>()
    let registry = await loop.run { loop in
      var limits = RedisLimits()
      limits.commandTimeout = commandTimeout
      limits.connectTimeout = .milliseconds(500)
      limits.reconnectDelayMax = .milliseconds(100)
      return RedisRegistry(
        endpoint: RedisEndpoint(url)!, node: id, limits: limits, on: loop,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        events: { events.add($0) }, leaseTaken: { takers.add($0) })
    }
    let result = await withCheckedContinuation { continuation in
      registry.start(epoch: epoch) { continuation.resume(returning: $0) }
    }
    try result.get()
    return RegistryNode(id: id, registry: registry, events: events, takers: takers)
  }
}

/// One node's registry, with answers to wait for.
struct RegistryNode: Sendable {
  let id: NodeID
  let registry: any Registry
  var events = Collector<NodeEvent>()
  var takers = Collector<UInt64>()
  /// The server lives as long as a node that uses it.
  var fixture: RegistryFixture?

  func submit(_ operations: [RegistryRequest.Operation]) async -> [RegistryReply.Result] {
    let requests = operations.enumerated().map {
      RegistryRequest(token: UInt64($0.offset), operation: $0.element)
    }
    let replies = Collector<RegistryReply>()
    registry.submit(requests) { replies.add($0) }
    let all = await replies.wait { $0.count >= operations.count }
    return all.sorted { $0.token < $1.token }.map(\.result)
  }

  func register(_ user: String, _ device: String, _ connection: String) async
    -> RegistryReply.Result?
  {
    await submit([.register(UserID(user)!, device: device, connection: connection)]).first
  }

  func registerAgain(_ user: String, _ device: String, _ connection: String) async
    -> RegistryReply.Result?
  {
    await submit([.registerAgain(UserID(user)!, device: device, connection: connection)]).first
  }

  func unregister(_ user: String, _ device: String, _ connection: String) async
    -> RegistryReply.Result?
  {
    await submit([.unregister(UserID(user)!, device: device, connection: connection)]).first
  }

  func nodes(of user: String) async -> [String]? {
    guard case .nodes(let nodes, _) = await submit([.nodes(of: UserID(user)!)]).first else {
      return nil
    }
    return nodes.map(\.name)
  }

  /// The nodes, once an answer is guarded: just after the start none is.
  @discardableResult
  func guardedNodes(of user: String) async -> [String] {
    var found: [NodeID] = []
    let isGuarded = await eventually {
      guard case .nodes(let nodes, let isGuarded) = await submit([.nodes(of: UserID(user)!)]).first
      else { return false }
      found = nodes
      return isGuarded
    }
    return isGuarded ? found.map(\.name) : ["never guarded"]
  }

  func passBarrier() async -> Bool { await submit([.barrier]) == [.passed] }

  /// As told, in order.
  var changedUsers: [String] {
    events.all.flatMap { event -> [String] in
      if case .routesChanged(let users) = event { users.map(\.name) } else { [] }
    }
  }

  var undoneRegistrations: [String] {
    events.all.compactMap { event in
      if case .registrationUndone(let user, let device) = event {
        "\(user.name) \(device)"
      } else {
        nil
      }
    }
  }

  func stop() async {
    if let memory = registry as? MemoryRegistry { return memory.stop() }
    guard let redis = registry as? RedisRegistry else { return }
    await withCheckedContinuation { continuation in
      redis.stop { continuation.resume() }
    }
  }
}

/// What a hub would keep of a node's answers.
final class RouteLog: Sendable {
  private let node: RegistryNode
  private let answers = Locked<[String: (nodes: [String], changesBefore: Int)]>([:])

  init(of node: RegistryNode) { self.node = node }

  func lookUp(_ user: String) async {
    let answers = answers
    let node = node
    await withCheckedContinuation { continuation in
      node.registry.submit([RegistryRequest(token: 0, operation: .nodes(of: UserID(user)!))]) {
        guard case .nodes(let nodes, let isGuarded) = $0[0].result else { return }
        // Counted here, where answers and events come in order.
        let changes = node.changedUsers.count
        answers.withLock { $0[user] = isGuarded ? (nodes.map(\.name), changes) : nil }
        continuation.resume()
      }
    }
  }

  /// The answers that no change was told of since.
  var kept: [String: [String]] {
    let changes = node.changedUsers
    return answers.withLock { $0 }.filter { user, answer in
      !changes[answer.changesBefore...].contains(user)
    }.mapValues(\.nodes)
  }
}
