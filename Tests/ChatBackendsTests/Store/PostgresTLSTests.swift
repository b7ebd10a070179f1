import ChatBackends
import ChatCore
import PostgresClient
import Reactor
import TestServers
import Testing

@Suite struct PostgresTLSTests {
  private static func configuration(
    _ server: PostgresServer, _ database: String, host: String = "localhost", trust: String
  ) throws -> PostgresConfiguration {
    let url =
      "postgres://postgres@\(host):\(server.port)/\(database)"
      + "?sslmode=verify-full&sslrootcert=\(trust)"
    guard case .postgres(let configuration) = try DatabaseURL(url) else {
      throw ServerProcess.Failure(description: "no PostgreSQL URL")
    }
    return configuration
  }

  @Test func `a server is spoken to by TLS, and only with its certificate`() async throws {
    let certificates = try TestCertificates()
    let server = try PostgresServer(certificates: certificates)
    let database = try server.makeDatabase()
    for host in ["localhost", "127.0.0.1"] {
      let configuration = try Self.configuration(
        server, database, host: host, trust: certificates.authority)
      let started = try await PostgresNode.start(configuration, node: node("server1"))
      let count = try server.run(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
          + "WHERE ssl AND application_name = 'chat-server'")
      #expect(Int(count) ?? 0 > 0)
      started.close()
    }
    let other = try TestCertificates()
    await expectFailure(
      "certificate verify failed",
      try Self.configuration(server, database, trust: other.authority))
  }

  @Test func `a server without TLS is refused`() async throws {
    let server = try SharedPostgres.server.get()
    let certificates = try TestCertificates()
    await expectFailure(
      "does not support SSL",
      try Self.configuration(
        server, try server.makeDatabase(), trust: certificates.authority))
  }

  private func expectFailure(_ cause: String, _ configuration: PostgresConfiguration) async {
    let error = await #expect(throws: StoreStartError.self) {
      try await PostgresNode.start(configuration, node: node("server1"))
    }
    #expect(error?.description.contains(cause) == true, "\(error?.description ?? "no error")")
    #expect(error?.description.contains("\n") == false)
  }
}
