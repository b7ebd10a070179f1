import ChatCore
import ChatProtocol
import Foundation
import SQLiteClient
import TestServers
import Testing

@testable import ChatBackends

/// Databases of earlier versions that a store of today opens.
@Suite struct StoreMigrationTests {
  @Test func `brings an SQLite database of the first version up to date`() async throws {
    let path = FileManager.default.temporaryDirectory.path + "/chat-\(UUID().uuidString).db"
    defer {
      for suffix in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: path + suffix)
      }
    }
    try makeOld(path)
    let store = try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
    defer { store.close() }
    #expect(store.epoch == 8)
    await expectOldMessages(in: store)
  }

  private func makeOld(_ path: String) throws {
    let connection = try SQLiteConnection(path: path)
    try connection.execute(SQLiteSchema.steps[0])
    try connection.execute(
      """
      PRAGMA user_version = 1;
      INSERT INTO nodes VALUES ('server1', 7);
      INSERT INTO conversations VALUES (3, 'alice:bob', 2, 1001);
      INSERT INTO members VALUES ('alice', 3, 2, 1), ('bob', 3, 0, 0);
      INSERT INTO messages (conversation, seq, sender, cid, ts, reply_to, body) VALUES
        (3, 1, 'alice', 'c1', 1000, NULL, CAST('{"text":"hi"}' AS BLOB)),
        (3, 2, 'bob', 'c1', 1001, 1, CAST('{"text":"ho"}' AS BLOB));
      """)
  }

  @Test func `brings a PostgreSQL database of the first version up to date`() async throws {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    for statement in PostgresSchema.steps[0] { try server.run(statement, database: database) }
    try server.run(
      """
      CREATE TABLE schema_version (version bigint NOT NULL);
      INSERT INTO schema_version VALUES (1);
      INSERT INTO nodes VALUES ('server1', 7);
      SELECT chat_append('{alice:bob}', '{alice}', '{bob}', '{1,1}', '{alice,bob}',
        array['c1', 'c1']::bytea[], '{1000,1001}', '{NULL,1}',
        array['{"text":"hi"}', '{"text":"ho"}']::bytea[]);
      UPDATE members SET recv = 2, read = 1 WHERE name = 'alice';
      """, database: database)
    let started = try await PostgresNode.start(
      server.configuration(database: database), node: node("server1"))
    #expect(started.store.epoch == 8)
    await expectOldMessages(in: started.store)
    started.close()
  }

  @Test func `brings the functions of the fourth version of PostgreSQL up to date`() async throws {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    let old = [PostgresAppendFunctions.plain, PostgresAppendFunctions.judged].map {
      $0.replacing("\nBEGIN\n", with: "\nBEGIN\nRAISE 'an old function';\n")
    }
    for statement in PostgresSchema.steps[..<4].joined() + old {
      try server.run(statement, database: database)
    }
    try server.run(
      """
      CREATE TABLE schema_version (version bigint NOT NULL);
      INSERT INTO schema_version VALUES (1), (2), (3), (4);
      """, database: database)
    let appends = [draft(cid: "c1"), draft(cid: "c2", reference: 1).kind(.react)]
    let started = try await PostgresNode.start(
      server.configuration(database: database), node: node("server1"))
    for (index, append) in appends.enumerated() {
      #expect(await started.store.ask(.append(append)) == .stored(UInt64(index) + 1))
    }
    started.close()
  }

  private func expectOldMessages(in store: some MessageStore) async {
    let conversation = draft(cid: "").conversation
    let first = draft(cid: "c1")
    let second = draft(
      from: "bob", to: "alice", cid: "c1", text: "ho", reference: 1, at: 1_001)
    let log = await store.history(conversation)
    #expect(
      log
        == [(first, UInt64(1)), (second, 2)].map { draft, sequence in
          Message(
            conversation: conversation, sequence: sequence, sender: draft.sender,
            content: draft.content, timestamp: draft.timestamp, reference: draft.reference)
        })
    #expect(
      await store.states(of: "alice")
        == [
          ConversationState(
            conversation: conversation, head: 2, received: 2, read: 1,
            peer: PeerMarks(received: 0, read: 0))
        ])
    let results = await store.ask([
      .append(first), .append(second), .append(draft(cid: "c1", text: "other")),
      .append(draft(cid: "c2", text: "new", reference: 1, at: 1_002).kind(.edit)),
      .append(draft(cid: "c3", at: 1_003)),
      change(.create(.open, members: []), by: "alice", cid: "c4"),
    ])
    #expect(
      results == [
        .stored(1, again: true), .stored(2, at: 1_001, again: true), .conflict,
        .stored(3, at: 1_002), .stored(4, at: 1_003), .stored(1),
      ])
    let edited = await store.history(conversation).first
    #expect(edited?.revision == .edited(by: 3))
    // What was there before is found when it is old, as is what came since.
    let removal = StoreRequest.Operation.removeExpired(keptSince: 1_001, now: 0, limit: 500)
    #expect(await store.ask(removal) == .removed(count: 2, isDone: true))
    #expect(await store.history(conversation).map(\.sequence) == [2, 3, 4])
  }
}
