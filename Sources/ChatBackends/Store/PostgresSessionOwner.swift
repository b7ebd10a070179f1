import ChatCore
import Logging
import PostgresClient
import Reactor

/// What both sessions of the store share.
struct PostgresStoreContext {
  let configuration: PostgresConfiguration
  let node: NodeID
  let loop: EventLoop
  let resolver: Resolver
  let backoff: Backoff
  let budget: StoreBudget
  let log: Logger

  func makeConnection(owner: any PostgresConnectionOwner) -> PostgresConnection {
    PostgresConnection(
      configuration: configuration, loop: loop, resolver: resolver, backoff: backoff,
      owner: owner)
  }

  /// Answers in the order given, with one call for answers to one batch that stand together.
  func answer(_ answers: [(origin: PostgresRequestOrigin, result: StoreReply.Result)]) {
    var replies: [StoreReply] = []
    var bodyBytes = 0
    for (index, (origin, result)) in answers.enumerated() {
      replies.append(StoreReply(token: origin.token, result: result))
      bodyBytes += origin.bodyBytes
      let next = index + 1
      if next == answers.count || answers[next].origin.batch !== origin.batch {
        origin.batch.reply(replies)
        replies.removeAll(keepingCapacity: true)
      }
    }
    budget.release(requests: answers.count, bodyBytes: bodyBytes)
  }
}

/// Where a session of the store is in its life.
enum PostgresSessionState {
  case away
  case settingUp
  case ready
  case closed
}
