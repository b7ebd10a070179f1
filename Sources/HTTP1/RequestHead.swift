import Bytes

/// A request's line and header fields, checked.
@usableFromInline
package struct RequestHead: Sendable {
  package enum Version: Sendable { case http10, http11 }

  package enum BodyFraming: Equatable, Sendable {
    case none
    /// Never 0.
    case contentLength(Int)
    case chunked
  }

  package let method: Method
  package let target: RequestTarget
  package let version: Version
  package let headers: Headers
  package let bodyFraming: BodyFraming
  package var hasBody: Bool { bodyFraming != .none }
  /// Whether the client waits for `100 Continue` before it sends the body.
  package let expectsContinue: Bool
  /// Whether the connection may carry another request after this one.
  package let keepsAlive: Bool
  /// The host and port that the client asked for; empty only in HTTP/1.0.
  package let host: String
  /// Whether the client's own connection is encrypted, be it to this server or to a proxy in front of
  /// it. Never by the request's word alone: whoever knows the connection sets it.
  package var isSecure = false

  /// Takes lines that each end in CR LF, request line first, without the empty line.
  init(lines bytes: [UInt8], limits: RequestLimits) throws(RequestError) {
    let lineEnd = bytes.firstIndex(of: ASCII.carriageReturn) ?? bytes.endIndex
    let parts = bytes[..<lineEnd].split(
      separator: ASCII.space, maxSplits: 3, omittingEmptySubsequences: false)
    // `PRI` opens HTTP/2 (RFC 9113, section 3.4), whose frames would follow.
    guard parts.count == 3, !parts[0].elementsEqual("PRI".utf8) else {
      throw .badRequest(.requestLine)
    }
    version = try Self.version(parts[2])
    method = try Self.method(parts[0])
    target = try RequestTarget(parts[1], method: method)
    headers = try Headers(lines: bytes, from: lineEnd + 2)
    host = try Self.host(headers, target, version)
    bodyFraming = try Self.bodyFraming(headers, version, limits)
    expectsContinue = try Self.expectsContinue(headers, version)
    keepsAlive =
      switch version {
      case .http10:
        headers.lists("keep-alive", in: "connection") && !headers.lists("close", in: "connection")
      case .http11: !headers.lists("close", in: "connection")
      }
  }

  private static func version(_ bytes: ArraySlice<UInt8>) throws(RequestError) -> Version {
    if bytes.elementsEqual("HTTP/1.1".utf8) { return .http11 }
    if bytes.elementsEqual("HTTP/1.0".utf8) { return .http10 }
    let number = bytes.dropFirst(5)
    guard bytes.starts(with: "HTTP/".utf8), number.count == 3,
      let major = number.first, let minor = number.last,
      ASCII.isDigit(major), ASCII.isDigit(minor), number.dropFirst().first == UInt8(ascii: ".")
    else { throw .badRequest(.requestLine) }
    throw .unsupportedVersion
  }

  /// Known, which is what tells 405 from 501; RFC 9110, section 9.1.
  private static let methodsNowhereAllowed: [StaticString] = ["TRACE", "CONNECT", "QUERY"]

  private static func method(_ bytes: ArraySlice<UInt8>) throws(RequestError) -> Method {
    if let method = Method(bytes) { return method }
    guard !bytes.isEmpty, bytes.allSatisfy(isTokenByte) else { throw .badRequest(.requestLine) }
    if methodsNowhereAllowed.contains(where: { bytes.elementsEqual($0.bytes) }) {
      throw .methodNotAllowed
    }
    throw .unknownMethod
  }

  /// RFC 9112, section 3.2: exactly one `Host` in HTTP/1.1, and none that is malformed.
  private static func host(
    _ headers: Headers, _ target: RequestTarget, _ version: Version
  ) throws(RequestError) -> String {
    let hosts = headers.values("host")
    guard hosts.count == 1 || hosts.isEmpty && version == .http10,
      hosts.allSatisfy(isHost), target.authority.map({ isHost($0[...]) }) ?? true
    else { throw .badRequest(.host) }
    return String(decoding: target.authority?[...] ?? hosts.first ?? [], as: UTF8.self)
  }

  private static func isHost(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~%:[]!$&'()*+,;=".utf8.contains(byte)
      }
  }

  /// RFC 9112, section 6, without its leniencies: each of them has been a smuggling hole.
  private static func bodyFraming(
    _ headers: Headers, _ version: Version, _ limits: RequestLimits
  ) throws(RequestError) -> BodyFraming {
    let lengths = headers.values("content-length")
    guard headers.values("transfer-encoding").isEmpty else {
      guard lengths.isEmpty, version == .http11 else { throw .badRequest(.framing) }
      let codings = headers.elements("transfer-encoding")
      let chunked = codings.map { ASCII.equalIgnoringCase($0, "chunked") }
      guard !chunked.isEmpty, !chunked.dropLast().contains(true) else {
        throw .badRequest(.framing)
      }
      guard chunked == [true] else { throw .unknownTransferCoding }
      return .chunked
    }
    guard let digits = lengths.first else { return .none }
    guard lengths.count == 1, !digits.isEmpty, digits.count < 20,
      digits.allSatisfy(ASCII.isDigit)
    else { throw .badRequest(.framing) }
    guard let length = Int(String(decoding: digits, as: UTF8.self)),
      length <= limits.bodyBytesMax
    else { throw .contentTooLarge }
    return length == 0 ? .none : .contentLength(length)
  }

  private static func expectsContinue(
    _ headers: Headers, _ version: Version
  ) throws(RequestError) -> Bool {
    let expectations = headers.values("expect")
    guard version == .http11, !expectations.isEmpty else { return false }
    guard expectations.count == 1,
      ASCII.equalIgnoringCase(expectations[0], "100-continue")
    else { throw .expectationFailed }
    return true
  }
}
