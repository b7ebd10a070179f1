import Glibc

/// A stream socket bound to `port` of the loopback address, by default to any that is free; nil
/// when the port is taken.
///
/// The servers that other tests start do not inherit it: they would keep its port, and what it
/// accepts, past its end.
func makeLoopbackSocket(port: UInt16 = 0) -> (descriptor: Int32, port: UInt16)? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
      bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
    }
  }
  guard code == 0 else {
    close(descriptor)
    return nil
  }
  return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// A stream socket connected to `port` of the loopback address; nil when nobody listens there.
func connectToLoopback(port: UInt16) -> Int32? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
  let code = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
      connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard code == 0 else {
    close(descriptor)
    return nil
  }
  return descriptor
}
