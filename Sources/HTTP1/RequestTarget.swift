import Bytes

/// The path and query of a request's target, as they came.
///
/// The parser lets no byte through that a path never needs and attacks do: controls, blanks,
/// non-ASCII, backslashes and fragments; nor a percent-encoded control, slash, backslash or
/// percent sign (double encoding), nor an encoding that is cut or not hexadecimal.
package struct RequestTarget: Sendable {
  /// Begins with a slash, or is `*`. Percent-encoded.
  package let path: [UInt8]
  /// What follows the question mark; nil without one. Percent-encoded.
  package let query: [UInt8]?
  /// The authority of a target in absolute form, which stands above `Host`.
  let authority: [UInt8]?

  /// RFC 9112, section 3.2: origin form, absolute form, or the asterisk of OPTIONS.
  init(_ bytes: ArraySlice<UInt8>, method: Method) throws(RequestError) {
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      throw .badRequest(.target)
    }
    var rest = bytes
    var authority: [UInt8]?
    if rest.first != UInt8(ascii: "/") {
      if rest.elementsEqual("*".utf8), method == .options {
        self.path = Array(rest)
        self.query = nil
        self.authority = nil
        return
      }
      guard let start = Self.authorityStart(rest) else { throw .badRequest(.target) }
      let end = rest[start...].firstIndex { byte in
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?")
      }
      authority = Array(rest[start..<(end ?? rest.endIndex)])
      rest = rest[(end ?? rest.endIndex)...]
    }
    let mark = rest.firstIndex(of: UInt8(ascii: "?"))
    let path = rest[..<(mark ?? rest.endIndex)]
    self.path = path.isEmpty ? [UInt8(ascii: "/")] : Array(path)
    self.query = mark.map { Array(rest[($0 + 1)...]) }
    self.authority = authority
    guard Self.isWellFormed(self.path) else { throw .badRequest(.target) }
  }

  /// The path decoded; nil when a segment is `.` or `..`, however written.
  ///
  /// The caller answers 404 then: no route or file has such a name.
  package var decodedPath: String? {
    guard let decoded = percentDecoded(path[...], plusIsSpace: false) else { return nil }
    let segments = decoded.split(separator: "/", omittingEmptySubsequences: false)
    return segments.contains { $0 == "." || $0 == ".." } ? nil : decoded
  }

  /// The decoded value of the first parameter called `name` in the query.
  ///
  /// Nil also when its encoding is cut, not hexadecimal, or not UTF-8.
  package func parameter(_ name: StaticString) -> String? {
    for pair in (query ?? []).split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      guard pair[..<equals].elementsEqual(name.bytes) else { continue }
      return percentDecoded(pair[equals...].dropFirst(), plusIsSpace: true)
    }
    return nil
  }

  private static func authorityStart(_ target: ArraySlice<UInt8>) -> Int? {
    for scheme in ["http://", "https://"] as [StaticString] {
      let prefix = target.prefix(scheme.utf8CodeUnitCount)
      if ASCII.equalIgnoringCase(prefix, scheme) { return prefix.endIndex }
    }
    return nil
  }

  private static func isWellFormed(_ path: [UInt8]) -> Bool {
    guard !path.contains(UInt8(ascii: "\\")) else { return false }
    var at = 0
    while at < path.count {
      guard path[at] == UInt8(ascii: "%") else {
        at += 1
        continue
      }
      guard let byte = PercentEncoding.byte(startingAt: path[at...]), !ASCII.isControl(byte),
        byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "%")
      else { return false }
      at += 3
    }
    return true
  }
}

/// Nil when an encoding is cut or not hexadecimal, or the result not UTF-8.
private func percentDecoded(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
  PercentEncoding.decoded(text, plusIsSpace: plusIsSpace)
    .flatMap { String(validating: $0, as: UTF8.self) }
}
