import ChatCore
import ChatProtocol
import DequeModule
import FaultInjection
import Logging
import PostgresClient
import Reactor

/// The session that commits groups of writes, one at a time, in the order submitted.
final class PostgresAppender: PostgresConnectionOwner {
  /// Writes in one transaction at most, and the bytes of bodies after which it takes no more.
  static let groupRequestsMax = 512
  static let groupBodyBytesMax = 1 << 20
  /// How often a group that clashes with another node's is tried.
  static let groupAttemptsMax = 8

  typealias Started = (Result<UInt64, StoreStartError>) -> Void

  private let context: PostgresStoreContext
  /// Told of entries that were answered, oldest first.
  private let didAnswer: ([PostgresWriteGroup.Entry]) -> Void
  private lazy var connection = context.makeConnection(owner: self)
  private var state = PostgresSessionState.away
  /// Present until the first session works.
  private var started: Started?
  private var waiting: Deque<PostgresWriteGroup.Entry> = []
  /// What is being committed, or was when the session was lost.
  private var group: PostgresWriteGroup?
  /// In use by a mutant only.
  private var memory = SendMemory()

  init(
    context: PostgresStoreContext,
    didAnswer: @escaping ([PostgresWriteGroup.Entry]) -> Void
  ) {
    self.context = context
    self.didAnswer = didAnswer
  }

  /// Connects, migrates and takes the node's next epoch.
  func start(_ started: @escaping Started) {
    self.started = started
    connection.start()
  }

  func submit(_ entry: PostgresWriteGroup.Entry) { waiting.append(entry) }

  func close() {
    state = .closed
    connection.close()
    refuse { _ in true }
  }

  /// Commits what waits, unless a group is under way.
  func commit() {
    guard state == .ready, group == nil, !waiting.isEmpty else { return }
    var entries: [PostgresWriteGroup.Entry] = []
    var bodyBytes = 0
    while entries.count < Self.groupRequestsMax, bodyBytes < Self.groupBodyBytesMax,
      let entry = waiting.first
    {
      if Mutant.dedupeInMemory.isActive, let result = memory.result(of: entry.write) {
        waiting.removeFirst()
        answer([entry], [result])
        continue
      }
      // A change of a room is a transaction of its own.
      if case .change = entry.write {
        if entries.isEmpty { entries.append(waiting.removeFirst()) }
        break
      }
      bodyBytes += entry.write.bodyBytes
      entries.append(waiting.removeFirst())
    }
    guard !entries.isEmpty else { return }
    send(PostgresWriteGroup(entries))
  }

  /// Gives up on what has waited since before `limit` for a database that is away.
  func refuse(arrivedBefore limit: Instant) {
    guard state != .ready else {
      if Mutant.ackBeforeCommit.isActive, group == nil { commitAtLast() }
      return
    }
    refuse { $0.origin.arrival < limit }
  }

  private func refuse(_ isDue: (PostgresWriteGroup.Entry) -> Bool) {
    var due: [PostgresWriteGroup.Entry] = []
    if let entries = group?.entries {
      guard entries.allSatisfy(isDue) else { return }
      group = nil
      due = entries
    }
    while let first = waiting.first, isDue(first) { due.append(waiting.removeFirst()) }
    answer(due, due.map { _ in .unavailable })
  }

  // MARK: A group's way

  private func send(_ next: PostgresWriteGroup) {
    var next = next
    next.attemptBegins()
    group = next
    FailPoint.beforeCommit.pass()
    if let change = next.change {
      PostgresRoomChange.run(change, on: connection) { [weak self] answer in
        self?.received(answer.map { next.asFirst([$0]) })
      }
    } else {
      if Mutant.ackBeforeCommit.isActive {
        commitAtLast()
        connection.send(PostgresQuery(sql: "BEGIN")) { _ in }
      }
      PostgresScript.run(next.queries(), on: connection) { [weak self] answer in
        self?.received(answer.map { next.results($0) })
      }
    }
  }

  /// Ends the transaction that a mutant has left open.
  private func commitAtLast() { connection.send(PostgresQuery(sql: "COMMIT")) { _ in } }

  /// Nil in place of results: the rows were not what was asked for.
  private func received(_ answer: Result<[StoreReply.Result]?, PostgresError>) {
    guard var done = group else { return }
    switch answer {
    case .success(let results?):
      FailPoint.afterCommit.pass()
      if Mutant.dedupeInMemory.isActive { memory.remember(done.entries, results) }
      finish(done, results)
    case .success(nil):
      connection.drop(.disconnected(reason: "the server gave rows that make no sense"))
    case .failure(.disconnected):
      // Committed or not: the next session finds out.
      done.attemptEndedUnseen()
      group = done
    case .failure(.refused(let code, let message)):
      refused(done, PostgresError.refused(state: code, message: message), code: code)
    }
  }

  private func refused(_ refused: PostgresWriteGroup, _ error: PostgresError, code: String) {
    switch PostgresRefusal(code) {
    case .clash where refused.attempts < Self.groupAttemptsMax:
      send(refused)
    case .sessionUnfit:
      // The group stays for the next session.
      connection.drop(error)
    case .clash, .request:
      context.log.error("messages not stored", metadata: ["store.error": "\(error)"])
      finish(refused, refused.entries.map { _ in .unavailable })
    }
  }

  private func finish(_ done: PostgresWriteGroup, _ results: [StoreReply.Result]) {
    group = nil
    commit()
    answer(done.entries, results)
  }

  private func answer(_ entries: [PostgresWriteGroup.Entry], _ results: [StoreReply.Result]) {
    guard !entries.isEmpty else { return }
    // By index: a copy of an entry is a count up and down for each of its parts.
    context.answer(entries.indices.map { (entries[$0].origin, results[$0]) })
    didAnswer(entries)
  }

  // MARK: The session's life

  func connectionOpened(_ connection: PostgresConnection) {
    state = .settingUp
    PostgresSession.migrate(connection) { [weak self] error in
      guard let self else { return }
      if let error { return self.setUpFailed(error) }
      PostgresSession.prepare(
        PostgresAppends.statements + [PostgresMarks.statement],
        statementTimeout: self.context.configuration.requestTimeout, on: connection
      ) { [weak self] error in
        if let error { self?.setUpFailed(error) } else { self?.prepared() }
      }
    }
  }

  private func prepared() {
    guard started != nil else { return becameReady() }
    PostgresSession.nextEpoch(of: context.node, on: connection) { [weak self] answer in
      switch answer {
      case .success(let epoch): self?.becameReady(epoch: epoch)
      case .failure(let error): self?.setUpFailed(.failed(error))
      }
    }
  }

  private func becameReady(epoch: UInt64 = 0) {
    guard state == .settingUp else { return }
    state = .ready
    connection.setUpSucceeded()
    if let started {
      self.started = nil
      started(.success(epoch))
    } else {
      context.log.info("database connection is back")
    }
    if let group { send(group) } else { commit() }
  }

  private func setUpFailed(_ error: PostgresSession.SetUpError) {
    guard state == .settingUp else { return }
    switch error {
    case .schemaIsNewer(let found):
      let newer = StoreStartError.schemaIsNewer(
        found: found, supported: PostgresSchema.steps.count)
      if started != nil { return failStart(newer) }
      connection.drop(.disconnected(reason: "\(newer)"))
    case .failed(let error):
      connection.drop(error)
    }
  }

  func connectionLost(_ connection: PostgresConnection, _ error: PostgresError) {
    if started != nil {
      return failStart(
        .failed("cannot use the database \(context.configuration): \(error)"))
    }
    if state == .ready {
      context.log.warning(
        "database connection lost; retrying", metadata: ["store.error": "\(error)"])
    }
    if state != .closed { state = .away }
  }

  private func failStart(_ error: StoreStartError) {
    guard let started else { return }
    self.started = nil
    close()
    started(.failure(error))
  }
}
