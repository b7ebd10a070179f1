import Testing

@testable import STOMP

@Suite struct HostileFrameTests {
  struct Refused: Sendable {
    let text: String
    let error: FrameError

    init(_ text: String, _ error: FrameError) {
      self.text = text
      self.error = error
    }
  }

  static let refused: [Refused] = [
    Refused("GET / HTTP/1.1\r\n\r\n", .unknownCommand),
    Refused("send\n\n\0", .unknownCommand), Refused("SEND \n\n\0", .unknownCommand),
    Refused(" SEND\n\n\0", .unknownCommand), Refused("MESSAGE\n\n\0", .unknownCommand),
    Refused("\0SEND\n\n\0", .unknownCommand),
    Refused("SEND\nnothing\n\n\0", .malformedHeader), Refused("SEND\n:v\n\n\0", .malformedHeader),
    Refused("SEND\na:b\0c\n\n\0", .malformedHeader), Refused("SEND\n\0\n", .malformedHeader),
    Refused("SEND\ncontent-length:-1\n\n\0", .malformedContentLength),
    Refused("SEND\ncontent-length:+1\n\na\0", .malformedContentLength),
    Refused("SEND\ncontent-length:\n\n\0", .malformedContentLength),
    Refused("SEND\ncontent-length:0x1\n\na\0", .malformedContentLength),
    Refused("SEND\ncontent-length: 1\n\na\0", .malformedContentLength),
    Refused("SEND\ncontent-length:65537\n\n", .bodyTooLarge),
    Refused("SEND\ncontent-length:99999999999999999999\n\n", .bodyTooLarge),
    Refused("SEND\ncontent-length:1\n\nab\0", .missingNUL),
    Refused("SEND\n\n" + String(repeating: "a", count: 65_537), .bodyTooLarge),
    Refused("BEGIN\ntransaction:a\n\nbody\0", .unexpectedBody),
    Refused("SEND\n" + String(repeating: "a", count: 16_384), .headTooLarge),
    Refused("SUBSCRIBE\nid:" + String(repeating: "a", count: 65_536), .headTooLarge),
    Refused("SEND\n" + String(repeating: "a:b\n", count: 65), .tooManyHeaders),
    Refused(String(repeating: "A", count: 13), .unknownCommand), Refused("\0", .unknownCommand),
    Refused("SEND\0", .unknownCommand), Refused("SEND\nabc\0", .malformedHeader),
  ]

  @Test(arguments: refused) func `what is no frame is refused, whole or cut`(refused: Refused) {
    #expect(Reading(refused.text).error == refused.error)
    #expect(Reading(Array(refused.text.utf8).map { [$0] }).error == refused.error)
  }

  @Test func `what is just within the limits is a frame`() {
    let headers = String(repeating: "a:b\n", count: 64)
    let body = String(repeating: "a", count: 65_536)
    #expect(Reading("SEND\n\(headers)\n\(body)\0").frames == ["SEND|\(body)"])
    #expect(Reading("SEND\ncontent-length:65536\n\n\(body)\0").frames == ["SEND|\(body)"])
    let list = "SUBSCRIBE\nresume:" + String(repeating: "a", count: 65_516)
    #expect(Reading(list + "\n\n\0").frames == ["SUBSCRIBE|"])
  }

  @Test func `headers must be UTF-8`() {
    for bytes: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] {
      let frame = Array("SEND\na:".utf8) + bytes + Array("\n\n\0".utf8)
      for version in Version.allCases { #expect(Reading([frame], version).error == .notUTF8) }
    }
  }

  @Test func `a body may hold any bytes`() {
    let frame = Array("SEND\ncontent-length:2\n\n".utf8) + [0xFF, 0xFE, 0]
    #expect(Reading([frame]).frames.count == 1)
  }
}
