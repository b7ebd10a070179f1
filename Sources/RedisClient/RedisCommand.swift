/// A command in the form in which it travels, so that it is encoded once and copied once.
package struct RedisCommand: Hashable, Sendable {
  let bytes: [UInt8]

  /// - Precondition: no subscription and no `MONITOR`, whose replies follow other rules; for the
  ///   former there is `RedisClient.subscribe`.
  package init(_ arguments: [String]) {
    precondition(!arguments.isEmpty && !Self.isUnsupported(arguments[0]))
    self.init(anyOf: arguments)
  }

  /// Asks for the messages of one channel; answered once, like any command.
  init(subscribingTo channel: String) { self.init(anyOf: ["SUBSCRIBE", channel]) }

  private init(anyOf arguments: [String]) {
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
