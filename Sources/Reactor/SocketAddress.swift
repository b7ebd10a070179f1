internal import Glibc

/// An IPv4 or IPv6 address with a port.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  private enum Storage: Hashable {
    case v4(address: UInt32, port: UInt16)
    case v6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
  }

  private let storage: Storage

  /// Takes `127.0.0.1` or `::1`; nil for anything that would have to be looked up.
  package init?(numericHost host: String, port: UInt16) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, host, &v4) == 1 {
      storage = .v4(address: v4.s_addr, port: port)
    } else if inet_pton(AF_INET6, host, &v6) == 1 {
      let words = withUnsafeBytes(of: v6) {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      storage = .v6(high: words.0, low: words.1, scope: 0, port: port)
    } else {
      return nil
    }
  }

  /// An address that the kernel gave; nil for families other than IPv4 and IPv6.
  init?(_ pointer: UnsafePointer<sockaddr>) {
    let raw = UnsafeRawPointer(pointer)
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET:
      let address = raw.loadUnaligned(as: sockaddr_in.self)
      storage = .v4(address: address.sin_addr.s_addr, port: UInt16(bigEndian: address.sin_port))
    case AF_INET6:
      let address = raw.loadUnaligned(as: sockaddr_in6.self)
      let words = withUnsafeBytes(of: address.sin6_addr) {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      storage = .v6(
        high: words.0, low: words.1, scope: address.sin6_scope_id,
        port: UInt16(bigEndian: address.sin6_port))
    default:
      return nil
    }
  }

  package var port: UInt16 {
    switch storage {
    case .v4(_, let port), .v6(_, _, _, let port): port
    }
  }

  /// The address without the port: `127.0.0.1`, `::1`.
  package var host: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    switch storage {
    case .v4(var address, _):
      inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
    case .v6(let high, let low, _, _):
      var words = (high, low)
      inet_ntop(AF_INET6, &words, &text, socklen_t(text.count))
    }
    return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  /// The address as IPv6 has it, IPv4 mapped into it (RFC 4291, section 2.5.5.2), in two halves and
  /// the host's byte order.
  package var halves: (high: UInt64, low: UInt64) {
    switch storage {
    case .v4(let address, _): (0, 0xFFFF << 32 | UInt64(UInt32(bigEndian: address)))
    case .v6(let high, let low, _, _): (UInt64(bigEndian: high), UInt64(bigEndian: low))
    }
  }

  /// Whether only this machine can reach it: 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    switch storage {
    case .v4(let address, _): UInt32(bigEndian: address) >> 24 == 127
    case .v6(let high, let low, _, _): high == 0 && UInt64(bigEndian: low) == 1
    }
  }

  package var description: String {
    switch storage {
    case .v4: "\(host):\(port)"
    case .v6: "[\(host)]:\(port)"
    }
  }

  var family: Int32 {
    switch storage {
    case .v4: AF_INET
    case .v6: AF_INET6
    }
  }

  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch storage {
    case .v4(let address, let port):
      var native = sockaddr_in()
      native.sin_family = sa_family_t(AF_INET)
      native.sin_port = port.bigEndian
      native.sin_addr.s_addr = address
      return Self.withPointer(to: &native, body)
    case .v6(let high, let low, let scope, let port):
      var native = sockaddr_in6()
      native.sin6_family = sa_family_t(AF_INET6)
      native.sin6_port = port.bigEndian
      native.sin6_scope_id = scope
      withUnsafeMutableBytes(of: &native.sin6_addr) {
        $0.storeBytes(of: high, as: UInt64.self)
        $0.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
      }
      return Self.withPointer(to: &native, body)
    }
  }

  private static func withPointer<Native, Result>(
    to native: inout Native, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: &native) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<Native>.size))
      }
    }
  }
}
