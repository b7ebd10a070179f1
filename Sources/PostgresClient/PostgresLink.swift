import CPostgres
import Glibc
import Reactor

/// One libpq connection, from its first packet to its end, watched by a loop.
///
/// libpq closes its socket itself when it meets an error, and may open another while connecting.
/// The loop must never be left watching a closed descriptor, so it watches a duplicate.
final class PostgresLink {
  private let handle: OpaquePointer
  private let loop: EventLoop
  private var watched: (descriptor: Int32, token: Token)?

  enum Progress {
    case underWay
    case connected
    case failed(PostgresError)
  }

  /// Begins to connect; nil without memory.
  init?(keywords: [(key: String, value: String)], loop: EventLoop) {
    var keys = keywords.map { UnsafePointer(strdup($0.key)) } + [nil]
    var values = keywords.map { UnsafePointer(strdup($0.value)) } + [nil]
    defer { for text in keys + values { free(.init(mutating: text)) } }
    guard let handle = PQconnectStartParams(&keys, &values, 0) else { return nil }
    self.handle = handle
    self.loop = loop
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
  }

  deinit {
    if let watched {
      loop.remove(watched.token)
      // PQfinish says goodbye; a peer that does not read must not be waited for.
      shutdown(watched.descriptor, Int32(SHUT_RDWR))
      close(watched.descriptor)
    }
    PQfinish(handle)
  }

  var lastError: PostgresError {
    .disconnected(reason: PostgresError.oneLine(String(cString: PQerrorMessage(handle))))
  }

  var isBroken: Bool { PQstatus(handle) == CONNECTION_BAD }

  // MARK: Connecting

  /// Takes the attempt as far as it goes now. Called at first and whenever the socket is ready.
  func connect(
    isFirst: Bool, handler: any EventHandler
  ) throws(SystemError) -> Progress {
    // libpq wants a new attempt to be waited for as if it had asked for writing.
    let wanted = isFirst ? PGRES_POLLING_WRITING : PQconnectPoll(handle)
    switch wanted {
    case PGRES_POLLING_READING: try watch(handler, for: .readable)
    case PGRES_POLLING_WRITING: try watch(handler, for: .writable)
    case PGRES_POLLING_OK:
      try watch(handler, for: .readable)
      guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
        return .failed(lastError)
      }
      return .connected
    default: return .failed(lastError)
    }
    return isBroken ? .failed(lastError) : .underWay
  }

  private func watch(
    _ handler: any EventHandler, for interest: Readiness
  ) throws(SystemError) {
    if let old = watched {
      loop.remove(old.token)
      close(old.descriptor)
      watched = nil
    }
    let socket = PQsocket(handle)
    guard socket >= 0 else { return }
    let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw SystemError(code: errno, call: "fcntl") }
    do {
      let token = try loop.add(handler, descriptor: descriptor, interest: interest)
      watched = (descriptor, token)
    } catch {
      close(descriptor)
      throw error
    }
  }

  // MARK: Queries

  /// Queues a query and the end of its own implicit transaction; false when the link is broken.
  func send(_ query: PostgresQuery) -> Bool {
    let sent: Int32
    switch query.statement {
    case .prepare(let name, let sql, let types):
      sent = PQsendPrepare(handle, name, sql, Int32(types.count), types)
    case .sql(let sql):
      let types = query.parameters.map(\.type)
      sent = withParameters(query) { count, values, lengths, formats in
        PQsendQueryParams(handle, sql, count, types, values, lengths, formats, 1)
      }
    case .prepared(let name):
      sent = withParameters(query) { count, values, lengths, formats in
        PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
      }
    }
    return sent == 1 && PQpipelineSync(handle) == 1
  }

  private typealias Values = UnsafePointer<UnsafePointer<CChar>?>

  private func withParameters(
    _ query: PostgresQuery,
    _ body: (Int32, Values?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
  ) -> Int32 {
    let lengths = query.parameters.map { Int32($0.bytes.count) }
    let formats = [Int32](repeating: 1, count: lengths.count)
    var values: [UnsafePointer<CChar>?] = []
    // The arrays' storage is pinned one inside the other, for as many as there are.
    func pin(_ rest: ArraySlice<PostgresParameter>) -> Int32 {
      guard let first = rest.first else {
        return body(Int32(values.count), values, lengths, formats)
      }
      return first.bytes.withUnsafeBytes { bytes in
        // An empty value is not NULL, so it needs an address.
        let start = bytes.baseAddress ?? UnsafeRawPointer(handle)
        values.append(start.assumingMemoryBound(to: CChar.self))
        return pin(rest.dropFirst())
      }
    }
    return pin(query.parameters[...])
  }

  /// Sends what is queued as far as the socket takes it; false when the link is broken.
  func flush() -> Bool {
    let pending = PQflush(handle)
    guard pending >= 0, let watched else { return false }
    loop.setInterest(pending == 0 ? .readable : [.readable, .writable], for: watched.token)
    return true
  }

  /// Has `flush()` called on the handler at the end of this turn.
  func scheduleFlush() {
    if let watched { loop.scheduleFlush(watched.token) }
  }

  // MARK: Replies

  /// Reads what has arrived, and returns about how many bytes that was; nil when it was the end.
  func receive() -> Int? {
    var waiting: Int32 = 0
    if let watched { _ = ioctl(watched.descriptor, UInt(FIONREAD), &waiting) }
    guard PQconsumeInput(handle) == 1 else { return nil }
    // Takes in what no query asked for: notices, parameters, notifications.
    _ = PQisBusy(handle)
    while let notification = PQnotifies(handle) { PQfreemem(notification) }
    return Int(waiting)
  }

  enum Reply {
    case rows(PostgresRows)
    case refused(PostgresError)
    /// The results of one query end here.
    case endOfResults
    /// The query with all of its results ends here.
    case endOfQuery
  }

  /// The next part of a reply that is here in full; nil when more must arrive first.
  func nextReply() -> Reply? {
    guard PQisBusy(handle) == 0 else { return nil }
    guard let result = PQgetResult(handle) else { return .endOfResults }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK: return .rows(PostgresRows(adopting: result))
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      return .endOfQuery
    default:
      defer { PQclear(result) }
      return .refused(error(of: result))
    }
  }

  private func error(of result: OpaquePointer) -> PostgresError {
    func field(_ code: Character) -> String? {
      PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
    }
    guard !isBroken else { return lastError }
    // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY: the detail would show values.
    return .refused(
      state: field("C") ?? "XX000",
      message: PostgresError.oneLine(field("M") ?? "the server gave no reason"))
  }
}
