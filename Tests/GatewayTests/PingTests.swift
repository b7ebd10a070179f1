import Testing
import WebSocket

@testable import Gateway

@Suite struct PingTests {
  private let application = RecordingApplication()
  private let server: TestServer
  private let client: TestClient

  init() throws {
    let application = application
    server = try TestServer { _ in application }
    client = TestClient(to: server)
    client.open()
  }

  @Test func `two pings that bring no byte close the connection`() {
    for _ in 0..<2 {
      server.pass(.milliseconds(25_010))
      #expect(client.framesNow() == ["ping "])
    }
    server.pass(.milliseconds(25_010))
    #expect(client.framesNow() == ["close 4202 ping timeout"])
    #expect(application.events == ["opened"])
    server.pass(.milliseconds(5_010))
    #expect(application.events == ["opened", "closed"])
    #expect(server.worker.counters.connections == 0)
  }

  @Test(arguments: [frame(.pong), frame(.ping), [0x81]])
  func `any byte counts as life`(bytes: [UInt8]) {
    for _ in 0..<3 {
      server.pass(.milliseconds(25_010))
      server.pass(.milliseconds(25_010))
      client.send(bytes)
      if bytes.count == 1 { client.send(Array(frame(.text, "x").dropFirst())) }
    }
    server.settle()
    #expect(!client.framesNow().contains { $0.hasPrefix("close") })
  }

  @Test func `a client that is not read is not blamed for its silence`() {
    application.connection?.setReading(false)
    client.send(frame(.text, "one", isFinal: false))
    for _ in 0..<10 { server.pass(.milliseconds(25_010)) }
    application.connection?.setReading(true)
    client.send(frame(.continuation, "!"))
    server.settle()
    #expect(client.framesNow() == Array(repeating: "ping ", count: 10) + ["text one!"])
  }
}
