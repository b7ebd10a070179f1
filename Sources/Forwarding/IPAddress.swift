import Bytes
import Glibc

/// An IPv4 or IPv6 address, without a port.
///
/// An IPv4 address is kept as IPv6 maps it (`::ffff:a.b.c.d`; RFC 4291, section 2.5.5.2), so that
/// both ways to write it are one address.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
  private static let textBytesMax = 45
  /// Of the lower half of an IPv4 address, the bits above its own 32.
  private static let mappedPrefix: UInt64 = 0xFFFF

  /// The address as 128 bits, in two halves and the host's byte order.
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package init(v4 address: UInt32) {
    self.init(high: 0, low: Self.mappedPrefix << 32 | UInt64(address))
  }

  /// The address of nobody, `::`.
  package static let unspecified = IPAddress(high: 0, low: 0)

  /// Takes `192.0.2.1` or `2001:db8::1`, and nothing around it; no leading zeros in IPv4.
  package init?(_ text: ArraySlice<UInt8>) {
    guard text.count <= Self.textBytesMax, text.allSatisfy(Self.isTextByte) else { return nil }
    let terminated = text.map { CChar(bitPattern: $0) } + [0]
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, terminated, &v4) == 1 {
      self.init(v4: UInt32(bigEndian: v4.s_addr))
    } else if inet_pton(AF_INET6, terminated, &v6) == 1 {
      let (high, low) = withUnsafeBytes(of: v6) {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    } else {
      return nil
    }
  }

  package init?(_ text: String) { self.init(Array(text.utf8)[...]) }

  /// Takes the 4 or 16 bytes of an address as packets carry it; nil for another number.
  init?(networkOrder bytes: ArraySlice<UInt8>) {
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    switch bytes.count {
    case 4: self.init(v4: UInt32(truncatingIfNeeded: number(bytes)))
    case 16: self.init(high: number(bytes.prefix(8)), low: number(bytes.suffix(8)))
    default: return nil
    }
  }

  private static func isTextByte(_ byte: UInt8) -> Bool {
    ASCII.hexValue(byte) != nil || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
  }

  package var isV4: Bool { high == 0 && low >> 32 == Self.mappedPrefix }

  /// Whether it is this machine's own: 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    isV4 ? (low >> 24) & 0xFF == 127 : high == 0 && low == 1
  }

  /// Of an IPv6 address on the Internet (2000::/3) the network of 64 bits, of which one subscriber
  /// has all addresses; any other address itself.
  package var subscriber: IPAddress {
    high >> 61 == 1 ? IPAddress(high: high, low: 0) : self
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    if isV4 {
      var address = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
      inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
    } else {
      var halves = (high.bigEndian, low.bigEndian)
      inet_ntop(AF_INET6, &halves, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
