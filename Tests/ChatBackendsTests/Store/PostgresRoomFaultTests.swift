import ChatBackends
import ChatCore
import ChatProtocol
import PostgresClient
import Reactor
import TestServers
import Testing

/// Changes of rooms whose session or server is lost inside the commit: each takes effect once, and
/// who asked is told so.
@Suite(.serialized) struct PostgresRoomFaultTests {
  /// Makes the next commit of a room's change last, in the server, until `seconds` have passed in
  /// which nobody has ended its session. What the client gives up in the meantime, and asks the
  /// server to give up, is committed all the same.
  private func delayNextCommit(_ server: PostgresServer, _ database: String) throws {
    try server.run(
      """
      CREATE SEQUENCE delayed;
      CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('delayed') = 1 THEN
          BEGIN
            PERFORM pg_sleep(5);
          EXCEPTION WHEN query_canceled THEN
            PERFORM pg_sleep(0.2);
          END;
        END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER delay AFTER INSERT OR UPDATE ON rooms
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION delay();
      """, database: database)
  }

  private static let delayedSessions =
    "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"

  private func delays(_ server: PostgresServer, _ database: String) throws -> Bool {
    try server.run("SELECT count(*) \(Self.delayedSessions)", database: database).hasPrefix("1")
  }

  @Test func `finds a change that was committed unseen`() async throws {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    var configuration = server.configuration(database: database)
    configuration.requestTimeout = .milliseconds(300)
    let started = try await PostgresNode.start(configuration, node: node("server1"))
    try delayNextCommit(server, database)
    let create = change(.create(.open, members: users("bob")), by: "alice", cid: "1")
    let results = await started.store.ask([
      create, .append(entry(from: "bob", cid: "2")), create,
    ])
    #expect(results == [.stored(1), .stored(2), .stored(1, again: true)])
    // Two runs of the trigger would be two changes.
    #expect(try server.run("SELECT last_value FROM delayed", database: database).hasPrefix("1"))
    #expect(await started.store.history(room()).map(\.sequence) == [1, 2])
    started.close()
  }

  @Test func `makes a change again whose back end died inside the commit`() async throws {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    let started = try await PostgresNode.start(
      server.configuration(database: database), node: node("server1"))
    #expect(
      await started.store.ask(change(.create(.open, members: []), by: "alice", cid: "1"))
        == .stored(1))
    try delayNextCommit(server, database)
    async let results = started.store.ask([
      change(.join, by: "bob", cid: "1"), .append(entry(from: "bob", cid: "2")),
    ])
    while try !delays(server, database) { try await Task.sleep(for: .milliseconds(5)) }
    try server.run(
      "SELECT pg_terminate_backend(pid) \(Self.delayedSessions)", database: database)
    #expect(await results == [.stored(2), .stored(3)])
    #expect(await started.store.roles(seenBy: "bob") == ["alice:owner", "bob:member"])
    #expect(await started.store.history(room()).map(\.sequence) == [1, 2, 3])
    started.close()
  }

  @Test(arguments: PostgresFaultTests.Fault.allCases)
  func `loses and doubles no change`(_ fault: PostgresFaultTests.Fault) async throws {
    let server = try PostgresServer()
    let fixture = try postgresFixture(server: server)
    let stores = [
      try await fixture.open(node("server1")), try await fixture.open(node("server2")),
    ]
    let created = await stores[0].insist(
      change(.create(.closed, members: []), by: "owner", cid: "1"))
    #expect(created == .stored(1))
    let isDone = Locked(false)
    let changes = await withTaskGroup(of: Int.self) { group in
      for number in 0..<4 {
        group.addTask {
          let store = stores[number % 2]
          let guest = "guest\(number)"
          var round = 0
          while !isDone.withLock({ $0 }) || round < 10 {
            round += 1
            let invited = await store.insist(
              change(.invite(users(guest)), by: "owner", cid: "\(guest)-\(round)"))
            #expect(invited.isStoredAnew, "\(invited)")
            let sent = await store.insist(.append(entry(from: guest, cid: "m\(round)")))
            #expect(sent.isStoredAnew, "\(sent)")
            let left = await store.insist(change(.leave, by: guest, cid: "l\(round)"))
            #expect(left.isStoredAnew, "\(left)")
          }
          return round * 3
        }
      }
      for _ in 0..<2 {
        try? await Task.sleep(for: .milliseconds(150))
        do { try fault.strike(server) } catch { Issue.record(error) }
      }
      try? await Task.sleep(for: .milliseconds(150))
      isDone.withLock { $0 = true }
      return await group.reduce(0, +)
    }
    let log = await stores[0].history(room())
    #expect(log.map(\.sequence) == (0...changes).map { UInt64($0) + 1 })
    #expect(await stores[1].roles(seenBy: "owner") == ["owner:owner"])
    #expect(await stores[1].states(of: "owner").first?.room?.memberCount == 1)
    await fixture.close()
  }
}

extension MessageStore {
  /// Asks again for as long as the store is unavailable, as a client does.
  fileprivate func insist(_ operation: StoreRequest.Operation) async -> StoreReply.Result {
    while true {
      let result = await ask(operation)
      if result != .unavailable { return result }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }
}
