import ChatCore
import ChatProtocol
import Reactor

/// The part of `PostgresMessageStore` that lives on the loop: sorts requests into writes and
/// reads, keeps reads behind the writes they must see, and ends waits for an absent database.
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
  private let remover: PostgresRemover
  private var order = PostgresReadOrder()
  /// Reads with the number of the write that each waits for.
  private var held: [(lastWrite: UInt64, read: PostgresRead)] = []
  private var timer: Token?

  init(context: PostgresStoreContext) {
    self.context = context
    reader = PostgresReader(context: context)
    remover = PostgresRemover(context: context)
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
    remover.refuse(arrivedBefore: limit)
    context.loop.setTimer(for: timer, at: context.loop.now + Self.waitCheckInterval)
  }

  private func close() {
    if let timer { context.loop.remove(timer) }
    timer = nil
    // The writes first: reads that wait for them go to the reader.
    appender.close()
    reader.close()
    remover.close()
  }

  private func submit(_ work: StoreWork) {
    let batch = PostgresRequestOrigin.Batch(work.reply)
    for request in work.requests {
      let origin = origin(of: request, in: batch)
      switch request.operation {
      case .append(let draft): write(.append(draft), origin)
      case .changeRoom(let draft): write(.change(draft), origin)
      case .mark(let user, let conversation, let received, let read):
        let mark = PostgresWrite.Mark(
          user: user, conversation: conversation, received: received, read: read)
        write(.mark(mark), origin)
      case .conversations(let user, let limit, let countsUnread):
        let subject = PostgresRead.Subject.conversations(
          of: user, limit: limit, countsUnread: countsUnread)
        read(.init(subject: subject, origin: origin))
      case .messages(
        let conversation, let reader, let after, let before, let limit, let fromStart):
        let window = PostgresRead.Window(
          after: after, before: before, limit: limit, fromStart: fromStart)
        read(.init(subject: .messages(in: conversation, reader: reader, window), origin: origin))
      case .members(let room, let reader, let after, let limit):
        let subject = PostgresRead.Subject.members(
          of: room, reader: reader, after: after, limit: limit)
        read(.init(subject: subject, origin: origin))
      case .removeExpired(let keptSince, let now, let limit):
        let query = PostgresRetention.query(keptSince: keptSince, now: now, limit: limit)
        remover.submit(.init(query: query, origin: origin))
      }
    }
  }

  private func origin(
    of request: StoreRequest, in batch: PostgresRequestOrigin.Batch
  ) -> PostgresRequestOrigin {
    PostgresRequestOrigin(
      batch: batch, token: request.token, bodyBytes: request.bodyBytes, arrival: context.loop.now)
  }

  private func write(_ write: PostgresWrite, _ origin: PostgresRequestOrigin) {
    order.submitted(write)
    appender.submit(.init(write: write, origin: origin))
  }

  private func read(_ read: PostgresRead) {
    let lastWrite = order.lastWrite(before: read.subject)
    if lastWrite == 0 { reader.submit(read) } else { held.append((lastWrite, read)) }
  }

  private func answered(_ entries: [PostgresWriteGroup.Entry]) {
    for entry in entries { order.answered(entry.write) }
    guard !held.isEmpty else { return }
    held.removeAll { lastWrite, read in
      guard lastWrite <= order.answered else { return false }
      reader.submit(read)
      return true
    }
    reader.send()
  }
}
