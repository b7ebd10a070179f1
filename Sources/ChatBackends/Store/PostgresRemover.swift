import ChatCore
import DequeModule
import Logging
import PostgresClient
import Reactor

/// The session that removes expired entries, made when there is something to ask and closed when
/// there was nothing for a while: removals hold up neither commits nor reads, and a database with
/// many nodes has not one session more of each all the time.
final class PostgresRemover: PostgresConnectionOwner {
  /// For so long without a request the session stays open.
  private static let quietTime = Duration.seconds(10)

  struct Request {
    let query: PostgresQuery
    let origin: PostgresRequestOrigin
  }

  private let context: PostgresStoreContext
  private var connection: PostgresConnection?
  private var state = PostgresSessionState.away
  private var waiting: Deque<Request> = []
  private var lastRequest: Instant

  init(context: PostgresStoreContext) {
    self.context = context
    lastRequest = context.loop.now
  }

  func submit(_ request: Request) {
    lastRequest = context.loop.now
    waiting.append(request)
    guard connection == nil else { return send() }
    let connection = context.makeConnection(owner: self)
    self.connection = connection
    connection.start()
  }

  func close() {
    closeSession()
    refuse { _ in true }
  }

  /// Gives up on what has waited since before `limit`, and on a session that nobody needs.
  func refuse(arrivedBefore limit: Instant) {
    if state != .ready { refuse { $0.origin.arrival < limit } }
    let isIdle = waiting.isEmpty && connection?.inFlightCount == 0
    if isIdle, context.loop.now >= lastRequest + Self.quietTime { closeSession() }
  }

  private func closeSession() {
    let closing = connection.take()
    state = .away
    closing?.close()
  }

  private func refuse(_ isDue: (Request) -> Bool) {
    var due: [Request] = []
    waiting.removeAll { request in
      guard isDue(request) else { return false }
      due.append(request)
      return true
    }
    context.answer(due.map { ($0.origin, .unavailable) })
  }

  private func send() {
    guard state == .ready, let connection else { return }
    while let request = waiting.popFirst() {
      connection.send(request.query) { [weak self] in self?.received($0, for: request) }
    }
  }

  private func received(
    _ answer: Result<PostgresRows, PostgresError>, for request: Request
  ) {
    var result = StoreReply.Result.unavailable
    switch answer {
    case .success(let rows):
      if let found = PostgresRetention.result(rows) { result = found }
    case .failure(.disconnected):
      // Removed or not: whoever asks again finds out.
      break
    case .failure(let error):
      context.log.warning("expired messages not removed", metadata: ["store.error": "\(error)"])
    }
    context.answer([(request.origin, result)])
  }

  // MARK: The session's life

  func connectionOpened(_ connection: PostgresConnection) {
    state = .settingUp
    PostgresSession.prepare(
      [PostgresRetention.statement], statementTimeout: context.configuration.requestTimeout,
      on: connection
    ) { [weak self] error in
      guard let self, self.state == .settingUp else { return }
      if case .failed(let error) = error { return connection.drop(error) }
      self.state = .ready
      connection.setUpSucceeded()
      self.send()
    }
  }

  func connectionLost(_ connection: PostgresConnection, _ error: PostgresError) { state = .away }
}
