/// A command in the form in which it travels, so that it is encoded once and copied once.
package struct RedisCommand: Hashable, Sendable {
  let bytes: [UInt8]

  /// - Precondition: no subscription and no `MONITOR`, whose replies follow other rules.
  package init(_ arguments: [String]) {
    precondition(!arguments.isEmpty && !Self.isUnsupported(arguments[0]))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(arguments.reduce(16) { $0 + $1.utf8.count + 16 })
    bytes.append(UInt8(ascii: "*"))
    bytes.appendLine(arguments.count)
    for argument in arguments {
      bytes.append(UInt8(ascii: "$"))
      bytes.appendLine(argument.utf8.count)
      bytes.append(contentsOf: argument.utf8)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    self.bytes = bytes
  }

  private static func isUnsupported(_ name: String) -> Bool {
    let name = name.uppercased()
    return name.hasSuffix("SUBSCRIBE") || name == "MONITOR"
  }
}

extension [UInt8] {
  fileprivate mutating func appendLine(_ number: Int) {
    append(contentsOf: String(number).utf8)
    append(contentsOf: "\r\n".utf8)
  }
}
