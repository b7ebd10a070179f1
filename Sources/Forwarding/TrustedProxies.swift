import Bytes

/// The proxies that are believed about who their clients are.
package struct TrustedProxies: Sendable {
  private let networks: [IPNetwork]

  package init(_ networks: [IPNetwork] = []) { self.networks = networks }

  package var isEmpty: Bool { networks.isEmpty }

  package func contains(_ address: IPAddress) -> Bool {
    networks.contains { $0.contains(address) }
  }

  /// Who sent a request that came from `peer`, by its `X-Forwarded-For` fields, in order.
  ///
  /// Every proxy writes behind what it was given, so only the end of the list is known to be true:
  /// it is read backwards, from one trusted proxy to whom that one had the request from, until
  /// somebody is no trusted proxy. What stands before is that one's own claim and not looked at. An
  /// element that is no address ends the list as the proxy does that wrote it.
  package func client(of peer: IPAddress, forwardedFor fields: [ArraySlice<UInt8>]) -> IPAddress {
    var client = peer
    for field in fields.reversed() {
      var rest = field
      while contains(client), !rest.isEmpty {
        let comma = rest.lastIndex(of: UInt8(ascii: ","))
        let element = ASCII.trimmed(rest[(comma.map { $0 + 1 } ?? rest.startIndex)...])
        rest = rest[..<(comma ?? rest.startIndex)]
        // RFC 9110, section 5.6.1: a list may have empty elements, which mean nothing.
        guard !element.isEmpty else { continue }
        guard let address = address(element) else { return client }
        client = address
      }
    }
    return client
  }

  /// An element of the list: an address, to which some proxies add the port.
  private func address(_ element: ArraySlice<UInt8>) -> IPAddress? {
    if let address = IPAddress(element) { return address }
    guard element.first == UInt8(ascii: "[") else {
      guard let colon = element.firstIndex(of: UInt8(ascii: ":")),
        isPort(element[(colon + 1)...])
      else { return nil }
      return IPAddress(element[..<colon])
    }
    guard let bracket = element.firstIndex(of: UInt8(ascii: "]")) else { return nil }
    let port = element[(bracket + 1)...]
    guard port.isEmpty || port.first == UInt8(ascii: ":") && isPort(port.dropFirst()) else {
      return nil
    }
    let inside = element[element.startIndex..<bracket].dropFirst()
    return inside.contains(UInt8(ascii: ":")) ? IPAddress(inside) : nil
  }
}

/// Whether the bytes are the decimal number of a port, without leading zeros.
func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
  guard (1...5).contains(digits.count), digits.allSatisfy(ASCII.isDigit),
    digits.count == 1 || digits.first != UInt8(ascii: "0")
  else { return false }
  return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= Int(UInt16.max)
}
