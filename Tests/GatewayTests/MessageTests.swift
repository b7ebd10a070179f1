import Reactor
import Testing
import WebSocket

@testable import Gateway

@Suite struct MessageTests {
  private let application = RecordingApplication()
  private let server: TestServer
  private let client: TestClient

  init() throws {
    let application = application
    server = try TestServer { _ in application }
    client = TestClient(to: server)
    client.open()
  }

  @Test func `messages come whole, in order and of their kind`() {
    client.send(
      frame(.text, "fir", isFinal: false) + frame(.ping, "between") + frame(.continuation, "st")
        + frame(.binary, "second") + frame(.text, ""))
    #expect(client.nextFrame() == "pong between")
    for echo in ["text first", "binary second", "text "] { #expect(client.nextFrame() == echo) }
    #expect(application.events == ["opened", "text first", "binary second", "text "])
  }

  @Test func `every byte in its own segment works`() {
    for byte in frame(.text, "slow but whole") {
      client.send([byte])
      server.loop.turn()
    }
    #expect(client.nextFrame() == "text slow but whole")
  }

  @Test(arguments: [
    ([0x81, 0x01, 0x78], "close 1002 wrongMasking"),
    (frame(.text, [0xFF]), "close 1007 invalidUTF8"),
    (frame(.continuation, "x"), "close 1002 outOfOrder"),
    ([0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1], "close 1009 messageTooBig"),
  ])
  func `a violation is answered with its code, and what follows means nothing`(
    bytes: [UInt8], close: String
  ) {
    client.send(bytes + frame(.text, "after"))
    #expect(client.nextFrame() == close)
    client.send(frame(.text, "later"))
    #expect(client.receivesEnd())
    #expect(application.events == ["opened", "closed"])
    #expect(server.worker.counters.protocolErrors == 1)
    client.close()
    server.settle()
    #expect(server.worker.counters.connections == 0)
  }

  @Test func `a message that is not finished in time gets 1008, whatever pings come between`() {
    client.send(frame(.text, "begun", isFinal: false))
    for _ in 0..<3 {
      server.pass(.milliseconds(9_900))
      client.send(frame(.ping))
    }
    server.settle()
    #expect(!client.framesNow().contains { $0.hasPrefix("close") })
    server.pass(.milliseconds(400))
    #expect(client.framesNow() == ["close 1008 message not finished in time"])
  }

  @Test func `messages that follow one another without a pause are not taken for one`() {
    client.send(frame(.text, "one", isFinal: false))
    for _ in 0..<10 {
      server.pass(.seconds(10))
      client.send(frame(.continuation) + frame(.text, "next", isFinal: false))
    }
    client.send(frame(.continuation))
    server.settle()
    #expect(application.events.count == 12)
    #expect(!client.framesNow().contains { $0.hasPrefix("close") })
  }

  @Test func `a flood of fragments gets 1008`() {
    client.send(
      frame(.text, isFinal: false)
        + Array(Array(repeating: frame(.continuation, isFinal: false), count: 10_000).joined()))
    #expect(client.nextFrame() == "close 1008 tooManyFragments")
    #expect(client.receivesEnd())
  }

  @Test func `a flood of pings gets 1008`() {
    client.send(Array(Array(repeating: frame(.ping, "hi"), count: 10_000).joined()))
    server.settle()
    let frames = client.framesNow()
    let pongs = Array(repeating: "pong hi", count: 250)
    #expect(frames == pongs + ["close 1008 too many control frames"])
    #expect(client.receivesEnd())
  }

  @Test func `a flood of pongs against a close frame ends the connection`() {
    application.connection?.close(.goingAway, reason: "bye")
    #expect(client.nextFrame() == "close 1001 bye")
    client.send(Array(Array(repeating: frame(.pong), count: 70_000).joined()))
    #expect(client.receivesEnd() || client.wasReset)
    #expect(application.events == ["opened", "closed"])
  }

  @Test func `one who keeps to a ping now and then is never cut off`() {
    for _ in 0..<20 {
      client.send(Array(Array(repeating: frame(.ping), count: 100).joined()))
      server.pass(.seconds(25))
    }
    #expect(!client.framesNow().contains { $0.hasPrefix("close") })
  }
}
