import Logging
import Testing

@testable import chat_server

@Suite struct LineLogHandlerTests {
  private func line(_ format: Settings.LogFormat, _ values: Logger.Metadata) -> String {
    let handler = LineLogHandler(format: format, level: .info)
    let line = handler.line(
      at: "2026-01-01T00:00:00.000Z", level: .info, message: "it \"happened\"", values)
    return String(line)
  }

  @Test func `text has one field per value, quoted where it could look like more`() {
    #expect(
      line(.text, ["peer.name": "a b=c", "count": "3", "none": ""])
        == "2026-01-01T00:00:00.000Z info it \\\"happened\\\" count=3 none=\"\" peer.name=\"a b=c\"\n"
    )
  }

  @Test func `JSON is one object`() {
    #expect(
      line(.json, ["a": "\"\\\u{7}"])
        == #"{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"it \"happened\"","#
        + #""a":"\"\\\u0007"}"# + "\n")
  }

  @Test func `no value makes a second line or a long one`() {
    let hostile = "x\r\n2026 error fake\u{85}\u{2028}" + String(repeating: "y", count: 1_000_000)
    for format in [Settings.LogFormat.text, .json] {
      let line = line(format, ["value": "\(hostile)"])
      #expect(line.utf8.count < 500)
      #expect(line.unicodeScalars.filter { $0.properties.isWhitespace && $0 != " " } == ["\n"])
    }
  }
}
