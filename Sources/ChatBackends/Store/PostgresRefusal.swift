/// What a server's refusal, by its SQLSTATE, means for a request.
enum PostgresRefusal {
  /// Another transaction was in the way: the same again has a chance at once.
  case clash
  /// The session or the server cannot do it now: another session may.
  case sessionUnfit
  /// The request itself: it would be refused again.
  case request

  /// A statement that took too long, or that somebody cancelled.
  static let cancelled = "57014"

  init(_ code: String) {
    switch code {
    // A client id that two nodes store at once; serialization; deadlock; lock not available.
    case "23505", "40001", "40P01", "55P03": self = .clash
    // A standby that takes no writes; a statement that took too long; a statement or table that
    // is not there because the database was replaced.
    case "25006", Self.cancelled, "26000", "42P01", "42883": self = .sessionUnfit
    default:
      // 08: connection; 53: resources; 57: operator; 58: system; XX: internal.
      let unfit = ["08", "53", "57", "58", "XX"].contains { code.hasPrefix($0) }
      self = unfit ? .sessionUnfit : .request
    }
  }
}
