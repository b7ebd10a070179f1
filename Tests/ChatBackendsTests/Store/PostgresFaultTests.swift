import ChatBackends
import ChatCore
import ChatProtocol
import PostgresClient
import Reactor
import TestServers
import Testing

/// The store while its server is restarted, killed and frozen: what was acknowledged is there,
/// once, and clients only wait.
@Suite(.serialized) struct PostgresFaultTests {
  enum Fault: String, CaseIterable {
    case terminatedBackends, killedBackend, restart, kill

    func strike(_ server: PostgresServer) throws {
      switch self {
      case .terminatedBackends:
        try server.run(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'chat-server'
          """)
      case .killedBackend:
        // One backend dies, and the server ends all of the others and recovers.
        try server.process.killChild(named: "postgres chat")
      case .restart:
        try server.process.stop()
        try server.process.start()
      case .kill:
        try server.process.kill()
        try server.process.start()
      }
    }
  }

  @Test(arguments: Fault.allCases)
  func `loses and doubles nothing`(_ fault: Fault) async throws {
    let server = try PostgresServer()
    let fixture = try postgresFixture(server: server)
    let stores = [
      try await fixture.open(node("server1")), try await fixture.open(node("server2")),
    ]
    let peers = (0..<5).map { "peer\($0)" }
    let isDone = Locked(false)
    let acknowledged = await withTaskGroup(of: [String: StoreReply.Result].self) { group in
      for writer in 0..<4 {
        group.addTask {
          var results: [String: StoreReply.Result] = [:]
          var round = 0
          while !isDone.withLock({ $0 }) || round < 20 {
            round += 1
            for peer in peers {
              let cid = "\(writer)-\(round)-\(peer)"
              results[cid] = await stores[writer % 2].append(draft(to: peer, cid: cid))
            }
          }
          return results
        }
      }
      for _ in 0..<2 {
        try? await Task.sleep(for: .milliseconds(150))
        do { try fault.strike(server) } catch { Issue.record(error) }
      }
      try? await Task.sleep(for: .milliseconds(150))
      isDone.withLock { $0 = true }
      return await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
    }
    var stored: [String: UInt64] = [:]
    for peer in peers {
      let history = await stores[0].history(draft(to: peer, cid: "").conversation)
      #expect(history.map(\.sequence) == (0..<history.count).map { UInt64($0) + 1 })
      for message in history {
        #expect(stored.updateValue(message.sequence, forKey: message.clientID) == nil)
      }
    }
    #expect(stored.count == acknowledged.count)
    for (cid, result) in acknowledged { #expect(result.sequence == stored[cid]) }
    await fixture.close()
  }

  @Test func `leaves a frozen server and comes back when it thaws`() async throws {
    let server = try PostgresServer()
    var configuration = server.configuration(database: try server.makeDatabase())
    configuration.requestTimeout = .milliseconds(300)
    configuration.connectTimeout = .milliseconds(300)
    let started = try await PostgresNode.start(configuration, node: node("server1"))
    #expect(await started.store.append(draft(cid: "c1")) == .stored(1))
    try server.process.freeze()
    async let second = started.store.append(draft(cid: "c2"))
    async let history = started.store.history(draft(cid: "").conversation)
    try await Task.sleep(for: .milliseconds(700))
    try server.process.thaw()
    // Its first attempt may have been committed unseen; that is not the client's duplicate.
    #expect(await second == .stored(2))
    #expect(await history.count == 2)
    started.close()
  }

  @Test func `gives up a read that takes too long twice, and not those beside it`() async throws {
    let (database, started) = try await withSlowLists()
    async let slow = started.store.ask(
      .conversations(of: user("slow"), limit: 100, countsUnread: true))
    for _ in 0..<10 {
      #expect(await started.store.history(draft(to: "slow", cid: "").conversation).count == 1)
    }
    #expect(await slow == .unavailable)
    #expect(try server.run("SELECT last_value FROM attempts", database: database) == "2")
    started.close()
  }

  @Test func `gives up one of several users' lists alone`() async throws {
    let (database, started) = try await withSlowLists()
    let lists = await started.store.ask(
      ["nobody", "slow", "alice", "nobody"].map {
        .conversations(of: user($0), limit: 100, countsUnread: true)
      })
    #expect(lists[0] == .conversations([]))
    #expect(lists[1] == .unavailable)
    #expect(lists[2] == .conversations([.init(direct: "alice", "slow", head: 1)]))
    #expect(lists[3] == .conversations([]))
    // Once with the others.
    #expect(try server.run("SELECT last_value FROM attempts", database: database) == "3")
    started.close()
  }

  private var server: PostgresServer {
    get throws { try SharedPostgres.server.get() }
  }

  /// A store that needs a minute to count what `slow` has not read, and gives up after 2 s.
  private func withSlowLists() async throws -> (database: String, PostgresNode) {
    let database = try server.makeDatabase()
    var configuration = try server.configuration(database: database)
    configuration.requestTimeout = .seconds(2)
    let started = try await PostgresNode.start(configuration, node: node("server1"))
    #expect(await started.store.append(draft(to: "slow", cid: "c1")) == .stored(1))
    try server.run(
      """
      CREATE SEQUENCE attempts;
      CREATE OR REPLACE FUNCTION chat_unread(log bigint, start bigint, head bigint, reader text)
      RETURNS bigint LANGUAGE plpgsql AS $$
      BEGIN
        IF reader = 'slow' THEN PERFORM nextval('attempts'), pg_sleep(60); END IF;
        RETURN 0;
      END $$;
      """, database: database)
    return (database, started)
  }

  @Test func `answers that it is unavailable when it is closed`() async throws {
    let server = try SharedPostgres.server.get()
    let started = try await PostgresNode.start(
      server.configuration(database: try server.makeDatabase()), node: node("server1"))
    started.store.close()
    #expect(await started.store.ask(.append(draft(cid: "late"))) == .unavailable)
    started.close()
  }

  @Test func `refuses more than may wait at once`() async throws {
    let server = try SharedPostgres.server.get()
    let started = try await PostgresNode.start(
      server.configuration(database: try server.makeDatabase()), node: node("server1"))
    let results = await started.store.ask((1...40_000).map { .append(draft(cid: "c\($0)")) })
    #expect(results.allSatisfy { $0 == .unavailable })
    #expect(await started.store.ask(.append(draft(cid: "next"))) == .stored(1))
    started.close()
  }
}

extension StoreReply.Result {
  var sequence: UInt64? {
    if case .appended(let sequence, _, _) = self { sequence } else { nil }
  }
}
