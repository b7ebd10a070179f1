import Glibc

/// The time as HTTP writes it (RFC 9110 section 5.6.7), made anew when the second changes.
struct HTTPDate {
  private var second: Int64 = -1
  private var text = ""

  mutating func string(at milliseconds: Int64) -> String {
    guard milliseconds / 1000 != second else { return text }
    second = milliseconds / 1000
    var time = time_t(second)
    var parts = tm()
    gmtime_r(&time, &parts)
    var buffer = [CChar](repeating: 0, count: 40)
    // The process never calls setlocale(), so the names are English.
    strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    text = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    return text
  }
}
