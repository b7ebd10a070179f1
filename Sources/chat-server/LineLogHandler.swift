import Glibc
import Logging

/// Log lines on standard error, as text or JSON: one line per record, whatever is in its values.
struct LineLogHandler: LogHandler {
  /// A value is cut behind this many bytes.
  private static let valueBytesMax = 256

  let format: Settings.LogFormat
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(format: Settings.LogFormat, level: Logger.Level) {
    self.format = format
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }
    let line = line(at: timestamp(), level: event.level, message: "\(event.message)", fields)
    // One write() of a line is not mixed with another thread's. If it fails, nobody can be told.
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }

  func line(
    at time: String, level: Logger.Level, message: String, _ fields: Logger.Metadata
  ) -> String {
    let message = escaped(message)
    let values = fields.sorted { $0.key < $1.key }.map { (escaped($0.key), escaped("\($0.value)")) }
    return switch format {
    case .text:
      "\(time) \(level) \(message)" + values.map { " \($0)=\(quotedIfNeeded($1))" }.joined() + "\n"
    case .json:
      "{\"ts\":\"\(time)\",\"level\":\"\(level)\",\"message\":\"\(message)\""
        + values.map { ",\"\($0)\":\"\($1)\"" }.joined() + "}\n"
    }
  }

  /// Keeps a value with blanks from looking like several fields.
  private func quotedIfNeeded(_ value: String) -> String {
    value.isEmpty || value.utf8.contains { " =\"".utf8.contains($0) } ? "\"\(value)\"" : value
  }

  /// Escapes what would end the line or the JSON string, and cuts what is too long.
  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      guard result.utf8.count < Self.valueBytesMax else { return result + "..." }
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value),
        "\u{2028}", "\u{2029}":
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// UTC with milliseconds, RFC 3339.
  private func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    let seconds = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    let milliseconds = String(now.tv_nsec / 1_000_000)
    return "\(seconds).\(String(repeating: "0", count: 3 - milliseconds.count))\(milliseconds)Z"
  }
}
