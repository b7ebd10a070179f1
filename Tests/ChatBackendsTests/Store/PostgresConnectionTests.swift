import Foundation
import PostgresClient
import Reactor
import TestServers
import Testing

/// What a session does with a server that is no PostgreSQL, or none any more.
@Suite(.serialized) struct PostgresConnectionTests {
  static let scripts: [(name: String, script: @Sendable (FakeConnection) -> Void)] = [
    ("cuts at once", { _ in }),
    (
      "garbage at start",
      { connection in
        connection.write(.init(repeating: 0xFF, count: 65_536))
        connection.waitForEnd()
      }
    ),
    (
      "endless garbage for a reply",
      { connection in
        connection.letIn()
        while connection.write(.init(repeating: 0xA5, count: 65_536)) {}
      }
    ),
    (
      "an absurd length",
      { connection in
        connection.letIn()
        connection.write([68, 0x7F, 0xFF, 0xFF, 0xFF, 0, 1])
        while connection.write(.init(repeating: 0, count: 65_536)) {}
      }
    ),
    (
      "a negative length",
      { connection in
        connection.letIn()
        connection.write([84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1])
        connection.waitForEnd()
      }
    ),
    (
      "endless notices",
      { connection in
        connection.letIn()
        let notice: [UInt8] = [78, 0, 0, 0, 9, 77, 104, 105, 0, 0]
        let many = Array(repeatElement(notice, count: 4096).joined())
        while connection.write(many) {}
      }
    ),
    (
      "endless parameters",
      { connection in
        connection.letIn()
        var number = 0
        var alive = true
        while alive {
          var block: [UInt8] = []
          for _ in 0..<2048 {
            number += 1
            let text = Array("p\(number)".utf8) + [0] + Array("v".utf8) + [0]
            block += [83, 0, 0, 0, UInt8(4 + text.count)] + text
          }
          alive = connection.write(block)
        }
      }
    ),
  ]

  @Test(arguments: scripts.indices)
  func `drops a hostile server and comes again`(_ index: Int) async {
    let connections = Locked(0)
    let server = FakeServer { connection, _ in
      connections.withLock { $0 += 1 }
      Self.scripts[index].script(connection)
    }
    let before = residentBytes()
    let lost = Locked(0)
    let thread = LoopThread(name: "client") { loop in
      let owner = Owner(loop: loop, port: server.port) { owner in
        let count = lost.withLock { lost in
          lost += 1
          return lost
        }
        if count == 3 {
          owner.close()
          loop.stop()
        }
      }
      owner.connection.start()
    }
    thread.join()
    #expect(lost.withLock { $0 } == 3, "\(Self.scripts[index].name)")
    #expect(connections.withLock { $0 } >= 3)
    // A sanitizer keeps what is freed, to know it when it is used again.
    guard ProcessInfo.processInfo.environment["CHAT_SANITIZED"] == nil else { return }
    let growth = residentBytes() - before
    #expect(growth < 24 << 20, "\(Self.scripts[index].name): \(growth >> 20) MiB")
  }

  private final class Owner: PostgresConnectionOwner {
    private(set) var connection: PostgresConnection!
    private let didLose: (Owner) -> Void
    /// The connection does not keep its owner alive.
    private var own: Owner?

    init(loop: EventLoop, port: UInt16, didLose: @escaping (Owner) -> Void) {
      self.didLose = didLose
      var configuration = PostgresConfiguration(host: "127.0.0.1", port: port)
      configuration.connectTimeout = .milliseconds(500)
      configuration.requestTimeout = .milliseconds(500)
      configuration.replyBytesMax = 8 << 20
      connection = PostgresConnection(
        configuration: configuration, loop: loop, resolver: Resolver(on: loop),
        backoff: Backoff(delayMin: .milliseconds(20), delayMax: .milliseconds(40)), owner: self)
      own = self
    }

    func close() {
      connection.close()
      own = nil
    }

    func connectionOpened(_ connection: PostgresConnection) {
      connection.send(PostgresQuery(sql: "SELECT 1")) { _ in }
    }

    func connectionLost(_ connection: PostgresConnection, _ error: PostgresError) {
      didLose(self)
    }
  }
}

extension FakeConnection {
  /// Reads the start-up packet and lets the client in without a password.
  fileprivate func letIn() {
    _ = readSome()
    // AuthenticationOk and ReadyForQuery.
    write([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73])
  }
}

/// Memory of this process that is in RAM.
private func residentBytes() -> Int {
  let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
    .split(separator: " ").dropFirst().first.flatMap { Int($0) }
  return (pages ?? 0) * 4096
}
