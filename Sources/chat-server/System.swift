import Glibc

/// What the process was started with.
enum System {
  static func environment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    return variables
  }

  /// Cores that are online, whether or not a cpuset leaves them to this process; at least 1.
  static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Descriptors whose table the kernel makes at the start, if the process may have so many.
  private static let descriptorsReserved = 131_072

  /// Has the kernel make its table of descriptors large at once, 8 bytes for each. To be called
  /// before any thread is started.
  ///
  /// It doubles the table when that is full, and in a process of several threads waits each time
  /// until no core can be reading the old one: in a storm of connections to a new node the loop
  /// that accepted them stood still for 20 to 45 ms.
  static func reserveDescriptors() {
    let last = min(sysconf(Int32(_SC_OPEN_MAX)), descriptorsReserved) - 1
    let copy = fcntl(STDERR_FILENO, F_DUPFD, Int32(last))
    if copy >= 0 { close(copy) }
  }
}
