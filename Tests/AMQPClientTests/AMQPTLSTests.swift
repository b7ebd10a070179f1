import AMQPClient
import Reactor
import TLS
import TestServers
import Testing

struct AMQPTLSTests {
  typealias Fixture = AMQPClientTests.Fixture

  @Test func `a broker is spoken to by TLS, and only with its certificate`() async throws {
    let certificates = try TestCertificates()
    let server = try RabbitMQServer(certificates: certificates)
    let url = "amqps://guest:guest@localhost:\(server.port)?cacertfile="

    let fixture = await Fixture(url: url + certificates.authority)
    await fixture.waitForReady(1)
    for size in [0, 100, 400_000] {
      let body = [UInt8](repeating: 7, count: size)
      let client = fixture.client
      // To the default exchange and a queue that is not there: it is returned, and confirmed.
      let tag = await fixture.loop.run { _ in
        client.value.publish(body, exchange: "", key: "nobody")
      }
      let confirmed = try #require(tag)
      await fixture.events.wait { $0.contains(.confirmed(confirmed)) }
    }

    let other = try TestCertificates()
    let untrusted = await Fixture(url: url + other.authority)
    await untrusted.events.wait { !$0.isEmpty }
    #expect(untrusted.failures.first == .insecure)

    let plain = FakeServer { connection, _ in
      _ = connection.readSome()
      connection.write("AMQP")
    }
    let second = await Fixture(
      url: url + certificates.authority, ports: [plain.port, server.port])
    await second.waitForReady(1)
    #expect(second.failures.isEmpty)
  }

  @Test func `a broker without TLS hears no protocol header and no password`() async throws {
    let heard = Collector<[UInt8]>()
    let server = FakeServer { connection, _ in
      while let bytes = connection.readSome() {
        heard.add(bytes)
        connection.write([UInt8]("AMQP".utf8) + [0, 0, 9, 1])
      }
    }
    let fixture = await Fixture(url: "amqps://guest:s3cret@localhost:\(server.port)")
    await fixture.events.wait { !$0.isEmpty }
    #expect(fixture.failures.first == .insecure)
    #expect(!heard.all.isEmpty)
    for bytes in heard.all {
      #expect(bytes.first == 22 || bytes.first == 21, "a handshake or an alert")
    }
  }

  @Test func `an endpoint by TLS has its own port and its authorities`() throws {
    let endpoint = try #require(AMQPEndpoint("amqps://u:secret@h/v?cacertfile=/ca.pem"))
    #expect(endpoint.description == "amqps://h:5671/v")
    #expect(endpoint.trust == .file("/ca.pem"))
    #expect(AMQPEndpoint("amqps://h")?.trust == .system)
    #expect(AMQPEndpoint("amqp://h")?.trust == nil)
    #expect(AMQPEndpoint("amqp://h?cacertfile=/ca.pem") == nil)
    #expect(AMQPEndpoint("amqps://h?verify=verify_none") == nil)
  }
}
