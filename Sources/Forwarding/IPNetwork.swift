/// The addresses that begin with the same bits; RFC 4632, RFC 4291 section 2.3.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
  private let address: IPAddress
  /// Of the 128 bits that `IPAddress` keeps, also of IPv4.
  private let prefixBits: Int

  /// Takes `10.0.0.0/8`, `2001:db8::/32`, or one address; nil where bits behind the prefix are set,
  /// which is one thing written and another meant.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(Array(parts[0].utf8)[...]) else { return nil }
    self.address = address
    let widthBits = parts[0].contains(":") ? 128 : 32
    guard parts.count == 2 else {
      prefixBits = 128
      return
    }
    guard let bits = Self.number(parts[1]), bits <= widthBits else { return nil }
    prefixBits = 128 - widthBits + bits
    guard masked(address) == address else { return nil }
  }

  private static func number(_ digits: Substring) -> Int? {
    guard (1...3).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(digits)
  }

  /// Whether the address is of the network: `::/0` has every IPv6 address and no IPv4 one.
  package func contains(_ address: IPAddress) -> Bool {
    address.isV4 == self.address.isV4 && masked(address) == self.address
  }

  private func masked(_ address: IPAddress) -> IPAddress {
    // A shift by the whole width gives 0.
    let high = UInt64.max << (64 - min(prefixBits, 64))
    let low = UInt64.max << (128 - max(prefixBits, 64))
    return IPAddress(high: address.high & high, low: address.low & low)
  }

  package var description: String {
    "\(address)/\(address.isV4 ? prefixBits - 96 : prefixBits)"
  }
}
