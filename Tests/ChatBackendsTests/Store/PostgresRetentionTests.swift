import ChatCore
import ChatProtocol
import Foundation
import PostgresClient
import SQLiteClient
import TestServers
import Testing

@testable import ChatBackends

/// What nodes that share a PostgreSQL server must not do to each other when they remove.
@Suite(.serialized) struct PostgresRetentionTests {
  private let removal = StoreRequest.Operation.removeExpired(keptSince: 2_000, now: 0, limit: 500)

  /// Makes the next removal last, in the middle of its transaction, until its session is ended.
  private func delayNextRemoval(_ server: PostgresServer, _ database: String) throws {
    try server.run(
      """
      CREATE SEQUENCE delayed;
      CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('delayed') = 1 THEN PERFORM pg_sleep(60); END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER delay AFTER DELETE ON sends EXECUTE FUNCTION delay();
      """, database: database)
  }

  private func sleepers(
    _ server: PostgresServer, _ database: String, _ expression: String
  ) throws -> String {
    try server.run(
      "SELECT \(expression) FROM pg_stat_activity "
        + "WHERE wait_event = 'PgSleep' AND datname = current_database()", database: database)
  }

  @Test func `leaves nothing half done, and holds up neither nodes nor other conversations`()
    async throws
  {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    var configuration = server.configuration(database: database)
    configuration.requestTimeout = .seconds(60)
    let one = try await PostgresNode.start(configuration, node: node("server1"))
    let other = try await PostgresNode.start(configuration, node: node("server2"))
    for number in 1...3 { _ = await one.store.append(draft(cid: "\(number)")) }
    try delayNextRemoval(server, database)
    async let interrupted = one.store.ask(removal)
    while try sleepers(server, database, "count(*)") == "0" {
      try await Task.sleep(for: .milliseconds(10))
    }
    for store in [one.store, other.store] {
      let peer = store === one.store ? "carol" : "dave"
      let result = await store.ask(.append(draft(to: peer, cid: peer, at: 3_000)))
      #expect(result.isStoredAnew)
    }
    #expect(await other.store.ask(removal) == .removed(count: 0, isDone: true))
    #expect(await one.store.history(draft(cid: "").conversation).map(\.sequence) == [1, 2, 3])

    _ = try sleepers(server, database, "pg_terminate_backend(pid)")
    #expect(await interrupted == .unavailable)
    let state = await one.store.states(of: "bob").first
    #expect(state?.lowWaterMark == 0)
    #expect(await one.store.ask(.append(draft(cid: "2"))) == .stored(2, again: true))
    #expect(await other.store.ask(removal) == .removed(count: 3, isDone: true))
    #expect(await one.store.states(of: "bob").first?.lowWaterMark == 3)
    one.close()
    other.close()
  }
}

/// How SQLite finds what is expired.
@Suite struct SQLiteRetentionTests {
  @Test func `reads the start of an index for each limit, and sorts nothing`() throws {
    let path = FileManager.default.temporaryDirectory.path + "/chat-\(UUID().uuidString).db"
    defer {
      for suffix in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: path + suffix)
      }
    }
    let messages = try SQLiteMessages(path: path)
    let plan = try messages.connection.prepare(
      "EXPLAIN QUERY PLAN " + SQLiteRetentionStatements.expired)
    var steps: [String] = []
    while try plan.step() { steps.append(plan.string(3)) }
    let searches = steps.filter { $0.hasPrefix("SEARCH conversations") }
    #expect(searches.contains { $0.contains("oldest_entries") }, "\(steps)")
    #expect(searches.contains { $0.contains("oldest_in_rooms") }, "\(steps)")
    #expect(!steps.contains { $0.contains("USE TEMP B-TREE FOR ORDER BY") }, "\(steps)")
    #expect(!steps.contains { $0.hasPrefix("SCAN conversations") }, "\(steps)")
  }
}
