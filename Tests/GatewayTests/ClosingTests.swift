import Reactor
import Testing
import WebSocket

@testable import Gateway

@Suite struct ClosingTests {
  private let application = RecordingApplication()
  private let server: TestServer
  private let client: TestClient

  init() throws {
    let application = application
    server = try TestServer { _ in application }
    client = TestClient(to: server)
    client.open()
  }

  /// The connection is over, told once, and nothing of it is left.
  private func expectGone() {
    server.settle()
    #expect(application.events.filter { $0 == "closed" }.count == 1)
    #expect(application.connection == nil)
    #expect(server.worker.counters.connections == 0)
    #expect(server.worker.counters.webSockets == 0)
    #expect(server.loop.handlerCount == 1)
  }

  @Test func `a client's close is answered with its code, and the server ends first`() {
    client.send(closeFrame(4001) + frame(.text, "after"))
    #expect(client.nextFrame() == "close 4001 ")
    #expect(client.receivesEnd())
    #expect(application.events == ["opened", "closed"])
    #expect(server.worker.counters.connections == 1)
    client.close()
    expectGone()
  }

  @Test func `a close without a code is answered without one`() {
    client.send(frame(.close))
    #expect(client.nextFrame() == "close")
    #expect(client.receivesEnd())
    client.close()
    expectGone()
  }

  @Test func `the server's close ends with the client's answer`() {
    application.connection?.close(.goingAway, reason: "bye")
    application.connection?.close(.normal, reason: "again")
    application.connection?.send(.text, UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(client.nextFrame() == "close 1001 bye")
    client.send(frame(.text, "in flight") + frame(.ping, "p"))
    server.settle()
    #expect(application.events == ["opened"])
    client.send(closeFrame(1001))
    #expect(client.receivesEnd())
    #expect(client.received.isEmpty)
    client.close()
    expectGone()
  }

  @Test func `without the client's answer the closing ends after 5 s`() {
    application.connection?.close(.goingAway, reason: "bye")
    server.pass(.milliseconds(4_950))
    #expect(server.worker.counters.connections == 1)
    server.pass(.milliseconds(60))
    expectGone()
  }

  @Test func `a client that answers late and stays has no more than the same 5 s`() {
    application.connection?.close(.goingAway, reason: "bye")
    server.pass(.milliseconds(4_900))
    client.send(closeFrame(1001))
    #expect(client.receivesEnd())
    server.pass(.milliseconds(120))
    expectGone()
  }

  @Test func `a violation while closing ends the connection without a second close frame`() {
    application.connection?.close(.goingAway, reason: "bye")
    client.send(frame(.continuation, "x"))
    #expect(client.nextFrame() == "close 1001 bye")
    #expect(client.receivesEnd())
    #expect(client.received.isEmpty)
    client.close()
    expectGone()
  }

  @Test func `a client that ends its side without a close frame is gone`() {
    client.send(frame(.text, "unfinished", isFinal: false))
    client.shutdownWriting()
    #expect(client.receivesEnd())
    expectGone()
  }

  @Test func `a reset in the middle of a frame is nothing`() {
    client.send(Array(frame(.text, "cut").dropLast()))
    server.settle()
    client.reset()
    expectGone()
  }

  @Test func `a connection may be ended by the application while it is called`() {
    application.onMessage = { _, connection in (connection as? ClientConnection)?.end() }
    client.send(frame(.text, "one") + frame(.text, "two"))
    #expect(client.receivesEnd() || client.wasReset)
    #expect(application.events == ["opened", "text one", "closed"])
    expectGone()
  }
}
