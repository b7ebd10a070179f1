package import HTTP1

/// Which web pages may open a connection.
///
/// A request without an `Origin` is not from a page, and always allowed.
package enum OriginPolicy: Sendable {
  case any
  case only(Set<Origin>)
  /// Those of these addresses, and pages of the host that the request is for, where that host has
  /// shown its certificate.
  ///
  /// Without TLS any page could have its own name resolve to the server, and be of its host.
  case own(Set<Origin>)

  /// Whether the page may that a request comes from.
  package func allows(_ head: RequestHead) -> Bool {
    if case .any = self { return true }
    guard !head.headers.values("origin").isEmpty else { return true }
    guard let page = head.headers.only("origin").flatMap({ Origin($0) }) else { return false }
    switch self {
    case .any: return true
    case .only(let allowed): return allowed.contains(page)
    case .own(let addresses):
      return addresses.contains(page) || head.isSecure && page == Origin("https://" + head.host)
    }
  }
}

/// The scheme, host and port that a page came from; RFC 6454. `null` is none.
package struct Origin: Hashable, Sendable {
  let scheme: String
  let host: String
  let port: UInt16

  /// Takes `https://chat.example.com` or `http://[::1]:8080`; nil for anything else.
  package init?(_ text: String) {
    let lowercased = text.lowercased()
    guard let colon = lowercased.firstIndex(of: ":"), lowercased.utf8.count <= 512,
      lowercased[colon...].hasPrefix("://")
    else { return nil }
    scheme = String(lowercased[..<colon])
    let authority = lowercased[colon...].dropFirst(3)
    guard let (host, digits) = Self.split(authority), !host.isEmpty, !scheme.isEmpty,
      host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#@\\,".utf8.contains($0) })
    else { return nil }
    self.host = String(host)
    if let digits {
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
      else { return nil }
      self.port = port
    } else {
      guard let port = Self.defaultPorts[scheme] else { return nil }
      self.port = port
    }
  }

  /// The origin as a source of `Content-Security-Policy`, its port always written.
  package var source: String { "\(scheme)://\(host):\(port)" }

  private static let defaultPorts: [String: UInt16] = ["http": 80, "https": 443]

  /// Cuts the port off, minding the colons of an IPv6 address.
  private static func split(
    _ authority: Substring
  ) -> (host: Substring, port: Substring?)? {
    let hostEnd: Substring.Index
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else { return nil }
      hostEnd = authority.index(after: bracket)
    } else {
      hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
    }
    let rest = authority[hostEnd...]
    guard !rest.isEmpty else { return (authority, nil) }
    return rest.first == ":" ? (authority[..<hostEnd], rest.dropFirst()) : nil
  }
}
