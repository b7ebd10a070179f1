/// What a client may ask for: the first line of its frames.
package enum ClientCommand: String, CaseIterable, Sendable {
  case connect = "CONNECT"
  /// The same as `CONNECT`, from 1.1 on.
  case stomp = "STOMP"
  case send = "SEND"
  case subscribe = "SUBSCRIBE"
  case unsubscribe = "UNSUBSCRIBE"
  case ack = "ACK"
  case nack = "NACK"
  case begin = "BEGIN"
  case commit = "COMMIT"
  case abort = "ABORT"
  case disconnect = "DISCONNECT"

  /// The longest, with a carriage return.
  static let lineBytesMax = 12

  init?(_ line: UnsafeRawBufferPointer) {
    guard let command = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(line) })
    else { return nil }
    self = command
  }

  var isConnect: Bool { self == .connect || self == .stomp }
}
