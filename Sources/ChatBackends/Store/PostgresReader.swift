import ChatCore
import DequeModule
import Logging
import PostgresClient
import Reactor

/// The session for requests that only read: pipelined, and made again after a lost session.
final class PostgresReader: PostgresConnectionOwner {
  /// Reads on their way at once, in however many statements: the session runs one after the other, and
  /// the time of each counts from its sending.
  static let inFlightMax = 64
  /// How often one read is tried alone that the server ends for its time.
  static let cancellationsMax = 2
  /// Of a request's time, what the server gives one statement. Less than all of it: the server's
  /// refusal says which statement it was, while a session that is given up takes all others with it.
  private static let statementShare = 0.8

  private let context: PostgresStoreContext
  private lazy var connection = context.makeConnection(owner: self)
  private var state = PostgresSessionState.away
  private var waiting: Deque<PostgresRead> = []
  private var inFlightCount = 0

  init(context: PostgresStoreContext) { self.context = context }

  /// Connects; the schema must be there.
  func start() { connection.start() }

  func submit(_ read: PostgresRead) { waiting.append(read) }

  func close() {
    state = .closed
    connection.close()
    refuse { _ in true }
  }

  /// Sends what waits, as far as it may be on its way at once.
  func send() {
    while state == .ready, inFlightCount < Self.inFlightMax,
      let group = PostgresReadGroup.next(of: &waiting)
    {
      inFlightCount += group.reads.count
      connection.send(group.query()) { [weak self] in self?.received($0, for: group) }
    }
  }

  /// Gives up on what has waited since before `limit` for a database that is away.
  func refuse(arrivedBefore limit: Instant) {
    if state != .ready { refuse { $0.origin.arrival < limit } }
  }

  private func refuse(_ isDue: (PostgresRead) -> Bool) {
    var due: [PostgresRead] = []
    waiting.removeAll { read in
      guard isDue(read) else { return false }
      due.append(read)
      return true
    }
    context.answer(due.map { ($0.origin, .unavailable) })
  }

  private func received(
    _ answer: Result<PostgresRows, PostgresError>, for group: PostgresReadGroup
  ) {
    inFlightCount -= group.reads.count
    switch answer {
    case .success(let rows):
      for (read, outcome) in zip(group.reads, group.outcomes(rows)) { settle(read, outcome) }
      send()
    case .failure(.disconnected):
      // Reading changes nothing, so it is simply done again.
      waiting.append(contentsOf: group.reads)
    case .failure(.refused(let code, let message)):
      refused(group, code, .refused(state: code, message: message))
    }
  }

  private func settle(_ read: PostgresRead, _ outcome: PostgresReadGroup.Outcome) {
    switch outcome {
    case .answered(let result): context.answer([(read.origin, result)])
    case .tooLong: goAlone(read)
    case .senseless:
      refuse(read, .disconnected(reason: "the server gave rows that make no sense"))
    }
  }

  private func refused(_ group: PostgresReadGroup, _ code: String, _ error: PostgresError) {
    let isCancelled = code == PostgresRefusal.cancelled
    guard isCancelled || PostgresRefusal(code) == .request else {
      waiting.append(contentsOf: group.reads)
      return connection.drop(error)
    }
    // The session is as good as before, and others go on.
    if !group.isOne {
      // It may have been one of them alone.
      for read in group.reads { goAlone(read) }
    } else if isCancelled {
      cancelled(group.reads[0], error)
    } else {
      refuse(group.reads[0], error)
    }
    send()
  }

  private func goAlone(_ read: PostgresRead) {
    var read = read
    read.goesAlone = true
    waiting.append(read)
  }

  private func cancelled(_ read: PostgresRead, _ error: PostgresError) {
    var read = read
    read.cancellations += 1
    if read.cancellations < Self.cancellationsMax {
      waiting.append(read)
    } else {
      refuse(read, error)
    }
  }

  private func refuse(_ read: PostgresRead, _ error: PostgresError) {
    context.log.error("messages not read", metadata: ["store.error": "\(error)"])
    context.answer([(read.origin, .unavailable)])
  }

  // MARK: The session's life

  func connectionOpened(_ connection: PostgresConnection) {
    state = .settingUp
    PostgresSession.prepare(
      PostgresRead.statements,
      statementTimeout: context.configuration.requestTimeout * Self.statementShare, on: connection
    ) { [weak self] error in
      guard let self, self.state == .settingUp else { return }
      if case .failed(let error) = error { return connection.drop(error) }
      self.state = .ready
      connection.setUpSucceeded()
      self.send()
    }
  }

  func connectionLost(_ connection: PostgresConnection, _ error: PostgresError) {
    if state == .ready {
      context.log.warning(
        "database connection for reads lost; retrying", metadata: ["store.error": "\(error)"])
    }
    if state != .closed { state = .away }
  }
}
