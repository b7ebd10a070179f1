import Testing

@testable import STOMP

@Suite struct FrameDecoderTests {
  @Test func `frames follow one another, with heart-beats between them`() {
    let reading = Reading("\n\nSEND\n\na\0\nBEGIN\n\n\0\r\n\r\nSEND\n\nb\0\n\n")
    #expect(reading.frames == ["SEND|a", "BEGIN|", "SEND|b"])
    #expect(reading.error == nil)
    #expect(!reading.isMidway)
  }

  @Test func `each command is known`() {
    for command in ClientCommand.allCases {
      #expect(Reading("\(command.rawValue)\n\n\0").frames == ["\(command.rawValue)|"])
    }
  }

  @Test func `a body of a given length may hold NULs and line feeds`() {
    let text = "SEND\ncontent-length:5\n\na\0\nb\0\0SEND\n\nc\0"
    #expect(Reading(text).frames == ["SEND|a\0\nb\0", "SEND|c"])
  }

  @Test func `a body of length 0 is empty`() {
    #expect(Reading("SEND\ncontent-length:0\n\n\0").frames == ["SEND|"])
  }

  @Test func `of a repeated header the first counts`() {
    let reading = Reading(
      "SEND\nfoo:World\nfoo:Hello\ncontent-length:1\ncontent-length:9\n\nx\0", names: ["foo"])
    #expect(reading.frames == ["SEND|foo=World|x"])
  }

  @Test func `an empty value is a value, and a name must match as a whole`() {
    let reading = Reading("SEND\nfo:1\nfoo:\nfooo:2\n\n\0", names: ["foo", "FOO", "bar"])
    #expect(reading.frames == ["SEND|foo=|FOO=-|bar=-|"])
  }

  struct Written: Sendable {
    var command = "SEND"
    var version: Version
    var line: String
    /// Of the header `h`; nil: a frame error.
    var means: String?
  }

  static let values: [Written] = [
    Written(version: .v10, line: #"h:a\nb\c\\d"#, means: #"a\nb\c\\d"#),
    Written(version: .v11, line: #"h:a\nb\c\\d"#, means: "a\nb:\\d"),
    Written(version: .v12, line: #"h:a\nb\r"#, means: "a\nb\r"),
    Written(version: .v11, line: #"h:a\r"#, means: nil),
    Written(version: .v11, line: #"h:a\t"#, means: nil),
    Written(version: .v12, line: #"h:a\t"#, means: nil),
    Written(version: .v12, line: #"h:a\"#, means: nil),
    Written(version: .v12, line: #"h\c:a"#, means: "-"),
    Written(version: .v10, line: "h: a ", means: "a"),
    Written(version: .v11, line: "h: a ", means: " a "),
    Written(version: .v12, line: "h: a ", means: " a "),
    Written(version: .v12, line: "h:a:b", means: "a:b"),
    Written(version: .v10, line: "h:http://a", means: "http://a"),
    Written(version: .v12, line: "h:é😀", means: "é😀"),
    Written(version: .v12, line: "h:a\r", means: "a"),
    Written(version: .v12, line: "h:a\rb", means: nil),
    Written(version: .v11, line: "h:a\r", means: "a\r"),
    Written(command: "CONNECT", version: .v12, line: #"h: Bearer a\nb "#, means: #"Bearer a\nb"#),
    Written(command: "CONNECT", version: .v11, line: "h:a\r", means: "a"),
    Written(command: "STOMP", version: .v12, line: #"h:\x"#, means: #"\x"#),
  ]

  @Test(arguments: values) func `values mean what their version says`(written: Written) {
    let reading = Reading(
      "\(written.command)\n\(written.line)\n\n\0", written.version, names: ["h"])
    if let means = written.means {
      #expect(reading.frames == ["\(written.command)|h=\(means)|"])
    } else {
      #expect(reading.error != nil)
    }
  }

  @Test func `lines of 1.2 and of CONNECT may end with a carriage return too`() {
    let frames = "CONNECT\r\nhost:a\r\n\r\n\0\r\nSEND\r\nhost:b\r\n\r\nx\0"
    #expect(Reading(frames, .v12, names: ["host"]).frames == ["CONNECT|host=a|", "SEND|host=b|x"])
    #expect(Reading("SEND\r\n\r\nx\0", .v11).error == .unknownCommand)
    #expect(Reading("SEND\na:b\n\r\nx\0", .v11).error == .malformedHeader)
  }

  static let stream = Array(
    """
    \nCONNECT\naccept-version:1.1,1.2\nheart-beat:0,0\n\n\0\n\r\n\
    SEND\r\nh:a\\nb\r\ncontent-length:4\r\n\r\na\0\nb\0\
    SEND\nh:é\n\nüber\0\n\n\nDISCONNECT\nh:x\n\n\0
    """.utf8)

  @Test func `a stream cut anywhere is the same stream`() {
    let whole = Reading([Self.stream], names: ["h"])
    #expect(whole.frames.count == 4)
    for first in 0...Self.stream.count {
      for second in stride(from: first, through: Self.stream.count, by: 7) {
        let pieces = [
          Array(Self.stream[..<first]), Array(Self.stream[first..<second]),
          Array(Self.stream[second...]),
        ]
        #expect(Reading(pieces, names: ["h"]) == whole)
      }
    }
    #expect(Reading(Self.stream.map { [$0] }, names: ["h"]) == whole)
  }

  @Test func `a frame begun is midway until its NUL`() {
    for end in 1..<"SEND\n\nhi\0".utf8.count {
      let reading = Reading(String("SEND\n\nhi\0".prefix(end)))
      #expect(reading.isMidway && reading.frames.isEmpty)
    }
  }
}
