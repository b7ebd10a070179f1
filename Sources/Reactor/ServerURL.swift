/// Where a server is and who we are there:
/// `scheme://[user[:password]@]host[:port][/path][?name=value[&...]]`.
///
/// User, password, path and values may be percent-encoded; an IPv6 address stands in brackets.
package struct ServerURL: Hashable, Sendable, CustomStringConvertible {
  package var scheme: String
  package var user: String?
  package var password: String?
  package var host: String
  package var port: UInt16
  /// What follows the slash behind the host, decoded; nil without a slash.
  package var path: String?
  /// What is asked for behind the `?`, by name.
  package var parameters: [String: String] = [:]

  /// Fails on another scheme, a missing host, a port out of range, a broken escape, a parameter
  /// that is unknown or comes twice, and on anything behind a `#`.
  package init?(
    _ text: String, scheme: String, defaultPort: UInt16, parameters known: Set<String> = []
  ) {
    let prefix = scheme + "://"
    guard text.hasPrefix(prefix), !text.contains(where: { "# \r\n\t\0".contains($0) }) else {
      return nil
    }
    self.scheme = scheme
    var rest = text.dropFirst(prefix.count)
    if let mark = rest.firstIndex(of: "?") {
      guard let parameters = Self.parameters(rest[rest.index(after: mark)...], known) else {
        return nil
      }
      self.parameters = parameters
      rest = rest[..<mark]
    }
    if let slash = rest.firstIndex(of: "/") {
      guard let path = Self.decode(rest[rest.index(after: slash)...]) else { return nil }
      self.path = path
      rest = rest[..<slash]
    }
    if let at = rest.lastIndex(of: "@") {
      let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard let user = Self.decode(parts[0]) else { return nil }
      self.user = user.isEmpty ? nil : user
      if parts.count == 2 {
        guard let password = Self.decode(parts[1]) else { return nil }
        self.password = password
      }
      rest = rest[rest.index(after: at)...]
    }
    guard let (host, port) = Self.splitPort(rest, defaultPort) else { return nil }
    self.host = host
    self.port = port
  }

  /// Without the user and the password: safe to log.
  package var description: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return "\(scheme)://\(name):\(port)" + (path.map { "/" + $0 } ?? "")
  }

  private static func parameters(
    _ text: Substring, _ known: Set<String>
  ) -> [String: String]? {
    var parameters: [String: String] = [:]
    for part in text.split(separator: "&", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, known.contains(String(pair[0])), let value = decode(pair[1]),
        parameters.updateValue(value, forKey: String(pair[0])) == nil
      else { return nil }
    }
    return parameters
  }

  private static func splitPort(
    _ text: Substring, _ defaultPort: UInt16
  ) -> (host: String, port: UInt16)? {
    var host = text
    var port: Substring?
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      let behind = text[text.index(after: end)...]
      guard behind.isEmpty || behind.first == ":" else { return nil }
      port = behind.isEmpty ? nil : behind.dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    guard !host.isEmpty else { return nil }
    guard let port else { return (String(host), defaultPort) }
    guard let number = UInt16(port), number > 0 else { return nil }
    return (String(host), number)
  }

  private static func decode(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
