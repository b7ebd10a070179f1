import ChatBackends
import ChatCore
import ChatProtocol
import Foundation
import SQLiteClient
import Testing

@Suite struct SQLiteMessageStoreTests {
  @Test func `counts a node's epoch up at each start`() async throws {
    try await withFile { path in
      for expected in UInt64(1)...3 {
        let store = try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
        #expect(store.epoch == expected)
        store.close()
      }
      let other = try SQLiteMessageStore(path: path, node: node("server2"), log: quietLog)
      #expect(other.epoch == 1)
      other.close()
    }
  }

  @Test func `refuses a database of a newer program`() async throws {
    try await withFile { path in
      try SQLiteConnection(path: path).execute("PRAGMA user_version = 99")
      let error = #expect(throws: StoreStartError.self) {
        try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
      }
      #expect(error == .schemaIsNewer(found: 99, supported: 3))
    }
  }

  @Test func `says why it cannot open a database`() {
    let error = #expect(throws: StoreStartError.self) {
      try SQLiteMessageStore(path: "/nowhere/chat.db", node: node("server1"), log: quietLog)
    }
    #expect(error?.description.contains("/nowhere/chat.db") == true)
  }

  @Test func `answers what waits before it closes, and nothing after`() async throws {
    try await withFile { path in
      let store = try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
      async let results = store.ask((1...5_000).map { .append(draft(cid: "c\($0)")) })
      #expect(await results.allSatisfy(\.isStoredAnew))
      store.close()
      #expect(await store.ask(.append(draft(cid: "late"))) == .unavailable)
    }
  }

  @Test func `has what it acknowledged when its process was killed`() async throws {
    try await withFile { path in
      try await withFile { killed in
        let store = try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
        let results = await store.ask((1...500).map { .append(draft(cid: "c\($0)")) })
        #expect(results == (1...500).map { .stored($0) })
        // What a killed process leaves: the files as they are, nothing closed in order.
        for suffix in ["", "-wal"] {
          try FileManager.default.copyItem(atPath: path + suffix, toPath: killed + suffix)
        }
        store.close()
        let next = try SQLiteMessageStore(path: killed, node: node("server1"), log: quietLog)
        defer { next.close() }
        #expect(await next.ask(.append(draft(cid: "c500"))) == .stored(500, again: true))
        #expect(await next.ask(.append(draft(cid: "c501"))) == .stored(501))
      }
    }
  }

  @Test func `refuses more than its queue holds`() async throws {
    try await withFile { path in
      let store = try SQLiteMessageStore(path: path, node: node("server1"), log: quietLog)
      defer { store.close() }
      let body = [UInt8](repeating: 32, count: 1 << 20)
      let results = await store.ask(
        (1...200).map { number in
          var large = draft(cid: "c\(number)")
          large.content = MessageContent(clientID: "c\(number)", body: body)
          return .append(large)
        })
      #expect(results.contains(.unavailable))
      #expect(await store.ask(.append(draft(cid: "next"))).isStoredAnew)
    }
  }
}

private func withFile<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let path = temporaryFile()
  defer { removeDatabase(path) }
  return try await body(path)
}

private func temporaryFile() -> String {
  FileManager.default.temporaryDirectory.path + "/chat-\(UUID().uuidString).db"
}

private func removeDatabase(_ path: String) {
  for suffix in ["", "-wal", "-shm"] {
    try? FileManager.default.removeItem(atPath: path + suffix)
  }
}
