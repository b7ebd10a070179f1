package import ChatCore
package import Logging
package import PostgresClient
package import Reactor

/// Messages in a PostgreSQL database that nodes share.
///
/// Lives on one loop, with two sessions: one commits groups of appends, strictly one after the
/// other; reads go by the second and do not wait for commits, except for those of the same
/// conversation that were submitted before them. A third is made to remove what has expired.
package final class PostgresMessageStore: MessageStore {
  /// The epoch of this start of the node: one more than at the start before.
  package let epoch: UInt64

  private let mailbox: Mailbox<PostgresStoreWorker.Mail>
  private let budget: StoreBudget

  private init(epoch: UInt64, mailbox: Mailbox<PostgresStoreWorker.Mail>, budget: StoreBudget) {
    self.epoch = epoch
    self.mailbox = mailbox
    self.budget = budget
  }

  /// Connects, brings the schema up to date and hands the store to `completion`, on the loop.
  ///
  /// A first attempt that fails is the operator's to see, so it is not made again; once started,
  /// the store heals by itself for as long as the loop runs.
  package static func start(
    _ configuration: PostgresConfiguration, node: NodeID, on loop: EventLoop, resolver: Resolver,
    backoff: Backoff = Backoff(delayMin: .milliseconds(100), delayMax: .seconds(5)),
    log: Logger,
    completion: @escaping (Result<PostgresMessageStore, StoreStartError>) -> Void
  ) {
    let budget = StoreBudget(limits: StoreQueueLimits())
    let context = PostgresStoreContext(
      configuration: configuration, node: node, loop: loop, resolver: resolver, backoff: backoff,
      budget: budget, log: log)
    let worker = PostgresStoreWorker(context: context)
    worker.start { result in
      completion(
        result.map { epoch in
          let mailbox = loop.makeMailbox { worker.receive($0) }
          return PostgresMessageStore(epoch: epoch, mailbox: mailbox, budget: budget)
        })
    }
  }

  package func submit(
    _ batch: [StoreRequest], reply: @escaping @Sendable ([StoreReply]) -> Void
  ) {
    let work = StoreWork(requests: batch, reply: reply)
    if budget.admit(work) { mailbox.post(.work(work)) } else { work.refuse() }
  }

  /// Answers what waits with `.unavailable` and ends both sessions.
  package func close() { mailbox.post(.close) }
}
