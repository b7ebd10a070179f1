import Bytes
import HTTP1

/// One offer of permessage-deflate, as a client's `Sec-WebSocket-Extensions` lists them in order of
/// preference; RFC 7692, section 7.1.
struct DeflateOffer: Equatable, Sendable {
  /// Whether the server may refer to earlier messages: no `server_no_context_takeover`.
  var serverMayKeepContext = true
  /// Whether the client would like to: no `client_no_context_takeover`.
  var clientMayKeepContext = true
  /// `server_max_window_bits`; nil: any.
  var serverWindowBitsMax: Int?
  /// `client_max_window_bits`, 15 when it has no value; nil: the client cannot be told to use a
  /// smaller window.
  var clientWindowBitsMax: Int?

  static let name: StaticString = "permessage-deflate"

  /// The offers in a request. Other extensions, and offers that must be declined because a
  /// parameter is unknown, wrong or there twice, are left out.
  static func all(in headers: Headers) -> [DeflateOffer] {
    headers.elements("sec-websocket-extensions").compactMap(DeflateOffer.init)
  }

  /// Reads one element of the list; nil for what is no valid offer of this extension.
  init?(_ element: ArraySlice<UInt8>) {
    let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
      .map(ASCII.trimmed)
    guard let name = parts.first, ASCII.equalIgnoringCase(name, Self.name) else { return nil }
    var seen: Set<Parameter> = []
    for part in parts.dropFirst() {
      let equals = part.firstIndex(of: UInt8(ascii: "="))
      guard let parameter = Parameter(ASCII.trimmed(part[..<(equals ?? part.endIndex)])),
        seen.insert(parameter).inserted,
        set(parameter, to: equals.map { unquoted(ASCII.trimmed(part[($0 + 1)...])) })
      else { return nil }
    }
  }

  private enum Parameter: CaseIterable {
    case serverNoContextTakeover, clientNoContextTakeover
    case serverMaxWindowBits, clientMaxWindowBits

    init?(_ name: ArraySlice<UInt8>) {
      guard let found = Self.allCases.first(where: { ASCII.equalIgnoringCase(name, $0.name) })
      else { return nil }
      self = found
    }

    private var name: StaticString {
      switch self {
      case .serverNoContextTakeover: "server_no_context_takeover"
      case .clientNoContextTakeover: "client_no_context_takeover"
      case .serverMaxWindowBits: "server_max_window_bits"
      case .clientMaxWindowBits: "client_max_window_bits"
      }
    }
  }

  /// False where the parameter cannot have that value.
  private mutating func set(_ parameter: Parameter, to value: ArraySlice<UInt8>?) -> Bool {
    switch parameter {
    case .serverNoContextTakeover:
      serverMayKeepContext = false
      return value == nil
    case .clientNoContextTakeover:
      clientMayKeepContext = false
      return value == nil
    case .serverMaxWindowBits:
      serverWindowBitsMax = value.flatMap(windowBits)
      return serverWindowBitsMax != nil
    case .clientMaxWindowBits:
      guard let value else {
        clientWindowBitsMax = 15
        return true
      }
      clientWindowBitsMax = windowBits(value)
      return clientWindowBitsMax != nil
    }
  }
}

/// 8 to 15, without leading zeros.
private func windowBits(_ digits: ArraySlice<UInt8>) -> Int? {
  guard let first = digits.first, first != UInt8(ascii: "0"), digits.allSatisfy(ASCII.isDigit),
    let bits = Int(String(decoding: digits, as: UTF8.self)), (8...15).contains(bits)
  else { return nil }
  return bits
}

/// What is between the quotes, if it is quoted; RFC 6455, section 9.1, allows that of any value.
private func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  let quote = UInt8(ascii: "\"")
  guard value.count >= 2, value.first == quote, value.last == quote else { return value }
  return value.dropFirst().dropLast()
}
