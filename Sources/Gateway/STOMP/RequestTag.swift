import ChatProtocol

/// What a STOMP session wants to know of a request when its answer comes.
///
/// The hub's answers repeat the `id` of their request, so that the session keeps no table of the
/// requests under way.
enum RequestTag: Equatable {
  /// A message, and the receipt that is due when it is stored.
  case send(receipt: String?)
  /// A message of a transaction that was committed.
  case commit(UInt64)
  /// A subscription that goes back to what the client holds, by its number.
  case resume(UInt64, receipt: String?)
  /// Anything else.
  case other(receipt: String?)

  init?(_ id: RequestID) {
    let rest = String(id.json.dropFirst())
    switch id.json.utf8.first {
    case UInt8(ascii: "s"): self = .send(receipt: nil)
    case UInt8(ascii: "S"): self = .send(receipt: rest)
    case UInt8(ascii: "r"):
      guard let number = UInt64(rest) else { return nil }
      self = .resume(number, receipt: nil)
    case UInt8(ascii: "R"):
      let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let number = UInt64(parts[0]) else { return nil }
      self = .resume(number, receipt: String(parts[1]))
    case UInt8(ascii: "o"): self = .other(receipt: nil)
    case UInt8(ascii: "O"): self = .other(receipt: rest)
    case UInt8(ascii: "c"):
      guard let number = UInt64(rest) else { return nil }
      self = .commit(number)
    default: return nil
    }
  }

  var requestID: RequestID {
    switch self {
    case .send(receipt: nil): RequestID(json: "s")
    case .send(let receipt?): RequestID(json: "S" + receipt)
    case .resume(let number, receipt: nil): RequestID(json: "r\(number)")
    case .resume(let number, let receipt?): RequestID(json: "R\(number):" + receipt)
    case .other(receipt: nil): RequestID(json: "o")
    case .other(let receipt?): RequestID(json: "O" + receipt)
    case .commit(let number): RequestID(json: "c\(number)")
    }
  }
}
