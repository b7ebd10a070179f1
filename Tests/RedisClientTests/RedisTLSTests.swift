import Foundation
import Reactor
import RedisClient
import TestServers
import Testing

struct RedisTLSTests {
  typealias Fixture = RedisClientTests.Fixture

  private static let certificates = Result { try TestCertificates() }

  @Test func `commands and long replies go through`() async throws {
    let certificates = try Self.certificates.get()
    let server = try RedisServer(password: "s3cret", certificates: certificates)
    for host in ["localhost", "127.0.0.1"] {
      let fixture = await Fixture(
        url: "rediss://:s3cret@\(host):\(server.port)/1?ssl_ca_certs=\(certificates.authority)")
      await fixture.waitForConnections(1)
      let long = String(repeating: "x", count: 300_000)
      #expect(await fixture.send("SET", "k", long) == .value(.status("OK")))
      #expect(await fixture.send("GET", "k") == .value(.string(Array(long.utf8))))
    }
  }

  @Test func `a server that was away is found again`() async throws {
    let certificates = try Self.certificates.get()
    let server = try RedisServer(certificates: certificates)
    let fixture = await Fixture(
      url: "rediss://localhost:\(server.port)?ssl_ca_certs=\(certificates.authority)")
    await fixture.waitForConnections(1)
    try server.process.kill()
    try server.process.start()
    await fixture.waitForConnections(2)
    #expect(await fixture.send("PING") == .value(.status("PONG")))
  }

  @Test func `a certificate of another authority is refused`() async throws {
    let server = try RedisServer(certificates: try Self.certificates.get())
    let other = try TestCertificates()
    let fixture = await Fixture(
      url: "rediss://localhost:\(server.port)?ssl_ca_certs=\(other.authority)")
    let events = await fixture.events.wait { !$0.isEmpty }
    guard case .lost(let failure) = events.first else { return #expect(Bool(false)) }
    #expect(
      failure.description
        == "no secure connection: TLS: the certificate is signed by no trusted authority")
  }

  @Test func `a renewed file of authorities is seen by the next attempt`() async throws {
    let certificates = try Self.certificates.get()
    let server = try RedisServer(certificates: certificates)
    let others = try TestCertificates()
    let trust = "\(others.directory)/trust.pem"
    try FileManager.default.copyItem(atPath: others.authority, toPath: trust)
    let fixture = await Fixture(url: "rediss://localhost:\(server.port)?ssl_ca_certs=\(trust)")
    await fixture.events.wait { !$0.isEmpty }
    #expect(fixture.failures.first == .insecure)
    try FileManager.default.removeItem(atPath: trust)
    try FileManager.default.copyItem(atPath: certificates.authority, toPath: trust)
    await fixture.waitForConnections(1)
    #expect(await fixture.send("PING") == .value(.status("PONG")))
  }

  @Test func `the next address is tried when one has no TLS, or nothing to say`() async throws {
    let certificates = try Self.certificates.get()
    let server = try RedisServer(certificates: certificates)
    let plain = FakeServer { connection, _ in
      _ = connection.readSome()
      connection.write("-ERR what was that\r\n")
    }
    let silent = FakeServer { connection, _ in _ = connection.readSome() }
    let fixture = await Fixture(
      url: "rediss://localhost?ssl_ca_certs=\(certificates.authority)",
      ports: [plain.port, silent.port, server.port])
    await fixture.waitForConnections(1)
    #expect(fixture.failures.isEmpty)
  }

  @Test func `a server that answers and refuses is the right one`() async throws {
    let (asked, other) = (Collector<Int>(), Collector<Int>())
    let refusing = FakeServer { connection, number in
      asked.add(number)
      connection.write("-WRONGPASS no\r\n")
      connection.waitForEnd()
    }
    let next = FakeServer { _, number in other.add(number) }
    let fixture = await Fixture(
      url: "redis://:wrong@localhost", ports: [refusing.port, next.port])
    await asked.wait { $0.count >= 2 }
    #expect(fixture.failures.first == .refused)
    #expect(other.all.isEmpty)
  }

  @Test func `a server without TLS hears no command and no password`() async throws {
    let heard = Collector<[UInt8]>()
    let server = FakeServer { connection, _ in
      while let bytes = connection.readSome() {
        heard.add(bytes)
        connection.write("-ERR what was that\r\n")
      }
    }
    let fixture = await Fixture(url: "rediss://:s3cret@localhost:\(server.port)")
    await fixture.events.wait { !$0.isEmpty }
    #expect(fixture.failures.first == .insecure)
    for bytes in heard.all {
      #expect(bytes.first == 22 || bytes.first == 21, "a handshake or an alert")
      #expect(!String(decoding: bytes, as: UTF8.self).contains("s3cret"))
    }
    #expect(!heard.all.isEmpty)
  }

  @Test func `a file of authorities that is not there is told of`() async throws {
    let fixture = await Fixture(url: "rediss://localhost:1?ssl_ca_certs=/nowhere.pem")
    let events = await fixture.events.wait { !$0.isEmpty }
    guard case .lost(let failure) = events.first else { return #expect(Bool(false)) }
    #expect(
      failure.description
        == "no secure connection: cannot use /nowhere.pem: No such file or directory")
  }
}
