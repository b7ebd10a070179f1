package import ChatCore
package import Logging
import Reactor

/// Messages in a SQLite database of this process' own: what one node without servers runs on.
///
/// One thread owns the connection. What is submitted while it commits goes into its next
/// transaction, reads too, so each request sees all that was submitted before it.
package final class SQLiteMessageStore: MessageStore {
  /// Requests in one transaction at most.
  package static let groupRequestsMax = 1024
  /// After so long without a request the page cache is emptied.
  private static let quietTime = Duration.seconds(2)

  /// The epoch of this start of the node: one more than at the start before.
  package let epoch: UInt64

  private let queue: SQLiteWorkQueue
  private let thread: Thread

  /// Opens the database, made and migrated if need be, and blocks until it can be used.
  package convenience init(
    path: String, node: NodeID, log: Logger
  ) throws(StoreStartError) {
    try self.init(path: path, node: node, log: log, limits: StoreQueueLimits())
  }

  init(
    path: String, node: NodeID, log: Logger, limits: StoreQueueLimits
  ) throws(StoreStartError) {
    let queue = SQLiteWorkQueue(limits: limits)
    let started = Monitor<Result<UInt64, StoreStartError>?>(nil)
    thread = Thread(name: "sqlite") {
      Self.run(queue, path: path, node: node, log: log) { result in
        started.update { $0 = result }
      }
    }
    do {
      epoch = try started.wait { $0 }.get()
    } catch {
      thread.join()
      throw error
    }
    self.queue = queue
  }

  package func submit(
    _ batch: [StoreRequest], reply: @escaping @Sendable ([StoreReply]) -> Void
  ) {
    let pieces = StoreWork.pieces(of: batch, requestsMax: Self.groupRequestsMax, reply: reply)
    for work in pieces where !queue.put(work) { work.refuse() }
  }

  /// Does what was submitted, closes the database, and returns when that is done. To be called
  /// once; what is submitted later is answered with `.unavailable`.
  package func close() {
    queue.close()
    thread.join()
  }

  /// The body of the thread: the database lives and dies here.
  private static func run(
    _ queue: SQLiteWorkQueue, path: String, node: NodeID, log: Logger,
    started: (Result<UInt64, StoreStartError>) -> Void
  ) {
    let messages: SQLiteMessages
    do {
      messages = try SQLiteMessages(path: path)
      started(.success(try messages.nextEpoch(of: node)))
    } catch let error as StoreStartError {
      return started(.failure(error))
    } catch {
      return started(.failure(.failed("cannot open the database \(path): \(error)")))
    }
    var committer = SQLiteCommitter(messages: messages, log: log)
    while true {
      let works = queue.takeAll(within: quietTime) ?? rest(messages, queue)
      if works.isEmpty { return }
      committer.perform(works, groupRequestsMax: groupRequestsMax)
    }
  }

  /// Nothing has come for a while: gives back the memory that the work took, and waits on.
  private static func rest(_ messages: SQLiteMessages, _ queue: SQLiteWorkQueue) -> [StoreWork] {
    messages.releaseMemory()
    return queue.takeAll()
  }
}

/// Cuts what waits into groups and answers for each.
private struct SQLiteCommitter {
  let messages: SQLiteMessages
  let log: Logger
  private var isFailing = false

  init(messages: SQLiteMessages, log: Logger) {
    self.messages = messages
    self.log = log
  }

  mutating func perform(_ works: [StoreWork], groupRequestsMax: Int) {
    var start = 0
    while start < works.count {
      var end = start
      var requests = 0
      while end < works.count,
        end == start || requests + works[end].requests.count <= groupRequestsMax
      {
        requests += works[end].requests.count
        end += 1
      }
      perform(works[start..<end])
      start = end
    }
  }

  private mutating func perform(_ group: ArraySlice<StoreWork>) {
    do {
      let replies = try messages.perform(group)
      isFailing = false
      for (work, replies) in zip(group, replies) { work.reply(replies) }
    } catch {
      // A full disk fails every group; the first line says it.
      if !isFailing { log.error("messages not stored", metadata: ["store.error": "\(error)"]) }
      isFailing = true
      for work in group { work.refuse() }
    }
  }
}
