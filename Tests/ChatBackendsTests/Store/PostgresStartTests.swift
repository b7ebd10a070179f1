import ChatBackends
import ChatCore
import PostgresClient
import Reactor
import TestServers
import Testing

@Suite struct PostgresStartTests {
  @Test func `counts a node's epoch up at each start`() async throws {
    let server = try SharedPostgres.server.get()
    let configuration = server.configuration(database: try server.makeDatabase())
    for expected in UInt64(1)...2 {
      let started = try await PostgresNode.start(configuration, node: node("server1"))
      #expect(started.store.epoch == expected)
      started.close()
    }
  }

  @Test func `makes the schema once when nodes start together`() async throws {
    let server = try SharedPostgres.server.get()
    let configuration = server.configuration(database: try server.makeDatabase())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...4 {
        group.addTask {
          try await PostgresNode.start(configuration, node: node("server\(number)")).close()
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `refuses a database of a newer program`() async throws {
    let server = try SharedPostgres.server.get()
    let configuration = server.configuration(database: try server.makeDatabase())
    try await PostgresNode.start(configuration, node: node("server1")).close()
    try server.run("INSERT INTO schema_version VALUES (99)", database: configuration.database)
    await #expect(throws: StoreStartError.schemaIsNewer(found: 99, supported: 5)) {
      try await PostgresNode.start(configuration, node: node("server1"))
    }
  }

  @Test func `says that nobody listens, or that a database is not there`() async throws {
    let free = ServerProcess.freePort()
    await expectFailure("refused", PostgresConfiguration(host: "127.0.0.1", port: free))
    await expectFailure("resolve", PostgresConfiguration(host: "no.such.host.invalid"))
    let server = try SharedPostgres.server.get()
    await expectFailure("does not exist", server.configuration(database: "nothing"))
  }

  @Test func `says that a password is wrong, and does not show it`() async throws {
    let server = try PostgresServer(password: "right")
    var configuration = server.configuration(database: "postgres")
    configuration.password = "right"
    try await PostgresNode.start(configuration, node: node("server1")).close()
    configuration.password = "mistaken"
    await expectFailure("password authentication failed", configuration)
  }

  @Test func `gives up on a server that accepts and says nothing`() async throws {
    let silent = FakeServer { connection, _ in connection.waitForEnd() }
    var configuration = PostgresConfiguration(host: "127.0.0.1", port: silent.port)
    configuration.connectTimeout = .milliseconds(200)
    await expectFailure("did not answer in time", configuration)
  }

  private func expectFailure(_ cause: String, _ configuration: PostgresConfiguration) async {
    let error = await #expect(throws: StoreStartError.self) {
      try await PostgresNode.start(configuration, node: node("server1"))
    }
    #expect(error?.description.contains(cause) == true, "\(error?.description ?? "no error")")
    #expect(error?.description.contains("mistaken") == false)
  }
}
