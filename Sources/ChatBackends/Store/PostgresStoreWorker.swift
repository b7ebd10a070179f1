import ChatCore
import ChatProtocol
import Reactor

/// The part of `PostgresMessageStore` that lives on the loop: sorts requests into appends and
/// reads, keeps reads behind the appends they must see, and ends waits for an absent database.
final class PostgresStoreWorker: EventHandler {
  /// How long a request waits for a database that is away, and how often that is looked at.
  static let waitMax = Duration.seconds(10)
  static let waitCheckInterval = Duration.milliseconds(500)

  enum Mail: Sendable {
    case work(StoreWork)
    case close
  }

  private let context: PostgresStoreContext
  private lazy var appender = PostgresAppender(context: context) { [weak self] entries in
    self?.answered(entries)
  }
  private let reader: PostgresReader
  private var order = PostgresReadOrder()
  /// Reads with the number of the append that each waits for.
  private var held: [(lastAppend: UInt64, read: PostgresRead)] = []
  private var timer: Token?

  init(context: PostgresStoreContext) {
    self.context = context
    reader = PostgresReader(context: context)
  }

  func start(_ started: @escaping PostgresAppender.Started) {
    appender.start { [self] result in
      if case .success = result {
        reader.start()
        let token = context.loop.add(self)
        timer = token
        context.loop.setTimer(for: token, at: context.loop.now + Self.waitCheckInterval)
      }
      started(result)
    }
  }

  func receive(_ mail: [Mail]) {
    for item in mail {
      switch item {
      case .work(let work) where timer != nil: submit(work)
      case .work(let work):
        context.answer(work.requests.map { (origin(of: $0, in: .init(work.reply)), .unavailable) })
      case .close: close()
      }
    }
    appender.commit()
    reader.send()
  }

  func timerFired() {
    guard let timer else { return }
    let limit = context.loop.now + (.zero - Self.waitMax)
    appender.refuse(arrivedBefore: limit)
    reader.refuse(arrivedBefore: limit)
    context.loop.setTimer(for: timer, at: context.loop.now + Self.waitCheckInterval)
  }

  private func close() {
    if let timer { context.loop.remove(timer) }
    timer = nil
    // The appends first: reads that wait for them go to the reader.
    appender.close()
    reader.close()
  }

  private func submit(_ work: StoreWork) {
    let batch = PostgresRequestOrigin.Batch(work.reply)
    for request in work.requests {
      let origin = origin(of: request, in: batch)
      switch request.operation {
      case .append(let draft):
        order.submitted(in: draft.conversation)
        appender.submit(.init(draft: draft, origin: origin))
      case .conversations(let user, let limit):
        read(.init(subject: .conversations(of: user, limit: limit), origin: origin))
      case .changeRoom, .mark, .members:
        context.answer([(origin, .unavailable)])
      case .messages(let conversation, _, let after, let before, let limit, let fromStart):
        let subject = PostgresRead.Subject.messages(
          in: conversation, after: after, before: before, limit: limit, fromStart: fromStart)
        read(.init(subject: subject, origin: origin))
      }
    }
  }

  private func origin(
    of request: StoreRequest, in batch: PostgresRequestOrigin.Batch
  ) -> PostgresRequestOrigin {
    var bodyBytes = 0
    if case .append(let draft) = request.operation { bodyBytes = draft.content.bodyCount }
    return PostgresRequestOrigin(
      batch: batch, token: request.token, bodyBytes: bodyBytes, arrival: context.loop.now)
  }

  private func read(_ read: PostgresRead) {
    let lastAppend = order.lastAppend(before: read.subject)
    if lastAppend == 0 { reader.submit(read) } else { held.append((lastAppend, read)) }
  }

  private func answered(_ entries: [PostgresAppendGroup.Entry]) {
    for entry in entries { order.answered(in: entry.draft.conversation) }
    guard !held.isEmpty else { return }
    held.removeAll { lastAppend, read in
      guard lastAppend <= order.answered else { return false }
      reader.submit(read)
      return true
    }
    reader.send()
  }
}
