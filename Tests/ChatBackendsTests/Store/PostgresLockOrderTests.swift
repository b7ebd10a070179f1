import ChatBackends
import ChatCore
import ChatProtocol
import TestServers
import Testing

/// Two nodes that write the same rows at once wait for each other in one order only: PostgreSQL
/// never has to break a circle, which takes it a second in which neither node stores anything.
@Suite(.serialized) struct PostgresLockOrderTests {
  /// How what the other node sends at the same time is grouped.
  enum Other: CaseIterable {
    case inStages, together
  }

  @Test(arguments: Other.allCases)
  func `takes client ids in one order whatever comes in stages`(_ other: Other) async throws {
    try await expectNoDeadlock { stores in
      let peers = ["bob", "carol"]
      for (peer, store) in zip(peers, stores) {
        #expect(await store.ask(.append(draft(to: peer, cid: peer))) == .stored(1))
      }
      let ids = (0..<50).map { "\($0)" }
      for round in 1...20 {
        // What the one sends first the other sends last.
        async let one = stores[0].ask(
          messages(ids.map { "z\(round)-\($0)" }, to: peers[0])
            + reactions(ids.map { "a\(round)-\($0)" }, to: peers[0]))
        async let two = stores[1].ask(
          messages(ids.map { "a\(round)-\($0)" }, to: peers[1])
            + (other == .inStages
              ? reactions(ids.map { "z\(round)-\($0)" }, to: peers[1])
              : messages(ids.map { "z\(round)-\($0)" }, to: peers[1])))
        let (ones, twos) = await (one, two)
        // Each id takes effect in one of the two conversations and is a conflict in the other.
        for (first, second) in zip(ones, twos[50...] + twos[..<50]) {
          #expect(first.isStoredAnew != second.isStoredAnew, "\(first), \(second)")
          #expect(first == .conflict || second == .conflict, "\(first), \(second)")
        }
      }
      for peer in peers {
        let log = await stores[0].history(draft(to: peer, cid: "").conversation)
        #expect(log.map(\.sequence) == (0..<log.count).map { UInt64($0) + 1 })
      }
    }
  }

  private func messages(_ ids: [String], to peer: String) -> [StoreRequest.Operation] {
    ids.map { .append(draft(to: peer, cid: $0)) }
  }

  private func reactions(_ ids: [String], to peer: String) -> [StoreRequest.Operation] {
    ids.map { .append(draft(to: peer, cid: $0, reference: 1).kind(.react)) }
  }

  @Test func `takes members in one order when an owner leaves while marks are made`() async throws {
    try await expectNoDeadlock { stores in
      let others = (0..<100).map { "m\($0)" }
      let everybody = ["adam"] + others + ["zoe"]
      for round in 1...20 {
        let name = "room\(round)"
        let created = await stores[0].ask([
          change(
            .create(.open, members: users("adam")), by: "zoe", in: name, cid: "create\(round)"),
          change(.invite(others.map { user($0) }), by: "zoe", in: name, cid: "invite\(round)"),
          change(.setRole(user("adam"), .moderator), by: "zoe", in: name, cid: "role\(round)"),
        ])
        #expect(created == [.stored(1), .stored(2), .stored(3)])
        // The owner is the last by name, and the successor the first.
        async let left = stores[0].ask(change(.leave, by: "zoe", in: name, cid: "leave\(round)"))
        for received in UInt64(1)...3 {
          let marked = await stores[1].ask(
            everybody.map {
              .mark(user($0), in: room(name), received: received, read: 0)
            })
          #expect(marked[0] == .marked(received: received, read: 0))
        }
        #expect(await left == .stored(4))
        #expect(await stores[1].roles(in: name, seenBy: "adam", limit: 1) == ["adam:owner"])
      }
    }
  }

  private func expectNoDeadlock(
    _ body: ([any MessageStore]) async throws -> Void
  ) async throws {
    let server = try SharedPostgres.server.get()
    let database = try server.makeDatabase()
    let configuration = server.configuration(database: database)
    var nodes: [PostgresNode] = []
    for name in ["server1", "server2"] {
      nodes.append(try await PostgresNode.start(configuration, node: node(name)))
    }
    do { try await body(nodes.map(\.store)) } catch { Issue.record(error) }
    for node in nodes { node.close() }
    // A session tells what it met when it ends, if not before.
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database)'"
    while try server.run(sessions) != "0" { try await Task.sleep(for: .milliseconds(5)) }
    let deadlocks = try server.run(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = '\(database)'")
    #expect(deadlocks == "0")
  }
}
