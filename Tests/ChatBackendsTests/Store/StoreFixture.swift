import ChatBackends
import ChatCore
import ChatProtocol
import Foundation
import Logging
import SQLiteClient
import Testing

/// The implementations of `MessageStore` that the contract suite runs on.
enum StoreKind: String, CaseIterable, CustomTestStringConvertible {
  case sqlite
  case postgres

  var testDescription: String { rawValue }
}

/// One empty database, and any number of stores on it.
struct StoreFixture {
  /// Opens a store as the node with this name does.
  let open: (NodeID) async throws -> any MessageStore
  /// Rows of conversations, which say nothing of themselves while they have no members.
  let conversationCount: () throws -> Int
  /// Closes what was opened and removes the database.
  let close: () async -> Void
}

/// Runs `body` with an empty database of the kind.
func withDatabase(
  _ kind: StoreKind, _ body: (StoreFixture) async throws -> Void
) async throws {
  let fixture =
    switch kind {
    case .sqlite: try sqliteFixture()
    case .postgres: try postgresFixture(server: SharedPostgres.server.get())
    }
  do {
    try await body(fixture)
    await fixture.close()
  } catch {
    await fixture.close()
    throw error
  }
}

private func sqliteFixture() throws -> StoreFixture {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
    "chat-sqlite-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
  var opened: [SQLiteMessageStore] = []
  return StoreFixture(
    open: { node in
      let store = try SQLiteMessageStore(
        path: directory.appendingPathComponent("chat.db").path, node: node, log: quietLog)
      opened.append(store)
      return store
    },
    conversationCount: {
      let connection = try SQLiteConnection(path: directory.appendingPathComponent("chat.db").path)
      let statement = try connection.prepare("SELECT count(*) FROM conversations")
      return try statement.step() ? Int(statement.int64(0)) : 0
    },
    close: {
      for store in opened { store.close() }
      try? FileManager.default.removeItem(at: directory)
    })
}

let quietLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension MessageStore {
  /// Submits one batch and waits for all of its answers, which come back in the batch's order.
  func ask(_ operations: [StoreRequest.Operation]) async -> [StoreReply.Result] {
    let collected = Collected(count: operations.count)
    return await withCheckedContinuation { continuation in
      let batch = operations.enumerated().map { StoreRequest(token: UInt64($0), operation: $1) }
      submit(batch) { replies in
        if let results = collected.add(replies) { continuation.resume(returning: results) }
      }
    }
  }

  func ask(_ operation: StoreRequest.Operation) async -> StoreReply.Result {
    await ask([operation])[0]
  }

  /// Asks again for as long as the store is unavailable, as a client does.
  func append(_ draft: Draft) async -> StoreReply.Result {
    while true {
      let result = await ask(.append(draft))
      if result != .unavailable { return result }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  func history(_ conversation: ConversationID, limit: Int = .max) async -> [Message] {
    let result = await ask(
      .messages(in: conversation, after: 0, before: .max, limit: limit, fromStart: true))
    guard case .messages(let messages, lowWaterMark: _) = result else {
      Issue.record("no messages but \(result)")
      return []
    }
    return messages
  }
}

/// Answers to one batch; each must come once.
private final class Collected: @unchecked Sendable {
  // Safe to share: guarded by `lock`.
  private let lock = NSLock()
  private var results: [StoreReply.Result?]
  private var missing: Int

  init(count: Int) {
    results = .init(repeating: nil, count: count)
    missing = count
  }

  func add(_ replies: [StoreReply]) -> [StoreReply.Result]? {
    lock.lock()
    defer { lock.unlock() }
    for reply in replies {
      if results[Int(reply.token)] != nil { Issue.record("token \(reply.token) answered twice") }
      results[Int(reply.token)] = reply.result
      missing -= 1
    }
    return missing == 0 ? results.compactMap { $0 } : nil
  }
}

func user(_ name: String) -> UserID { UserID(name)! }

func node(_ name: String) -> NodeID { NodeID(name)! }

func draft(
  from sender: String = "alice", to other: String = "bob", cid: String, text: String = "hi",
  reference: UInt64? = nil, at timestamp: Timestamp = 1_000
) -> Draft {
  Draft(
    conversation: ConversationID(direct: user(sender), user(other)), sender: user(sender),
    content: MessageContent(clientID: cid, body: Array(#"{"text":"\#(text)"}"#.utf8)),
    reference: reference, timestamp: timestamp)
}
