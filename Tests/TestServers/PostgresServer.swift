import Foundation

/// A private PostgreSQL on a loopback port, with its data in a temporary folder.
///
/// `fsync` is off by default: a killed server loses nothing by that, only a killed machine.
package final class PostgresServer: Sendable {
  package let port: UInt16
  package let process: ServerProcess

  private static let programs = "/usr/lib/postgresql/15/bin"

  /// Makes and starts a server. With a password the user `postgres` must give it.
  /// With certificates it takes TLS too, as `localhost` and 127.0.0.1.
  package init(
    fsync: Bool = false, password: String? = nil, certificates: TestCertificates? = nil
  ) throws {
    let directory = try ServerProcess.makeDirectory()
    let port = ServerProcess.freePort()
    // PostgreSQL refuses to run as root.
    let user = getuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : ""
    let owner = getuid() == 0 ? "chown postgres: '\(directory)' && " : ""
    let initdb = "\(user)\(Self.programs)/initdb --no-sync -U postgres -D '\(directory)/data'"
    let prepare =
      if let password {
        "echo '\(password)' >'\(directory)/password' && "
          + "\(initdb) -A scram-sha-256 --pwfile='\(directory)/password'"
      } else {
        "\(initdb) -A trust"
      }
    let pair = try certificates?.make("postgres")
    // It refuses a key that others can read.
    let key = pair.map { " && \(user)install -m 600 '\($0.key)' '\(directory)/data/key'" } ?? ""
    let tls =
      pair.map { ["ssl=on", "ssl_cert_file=\($0.certificate)", "ssl_key_file=key"] } ?? []
    let settings =
      [
        "fsync=\(fsync ? "on" : "off")", "listen_addresses=127.0.0.1", "port=\(port)",
        "unix_socket_directories=\(directory)", "log_min_messages=panic",
        // Many tests at once, some with several nodes of three sessions each.
        "max_connections=400",
      ] + tls
    self.port = port
    process = try ServerProcess(
      .init(
        prepare: owner + prepare + key,
        command: "\(user)\(Self.programs)/postgres -D '\(directory)/data' "
          + settings.map { "-c \($0)" }.joined(separator: " "),
        isReady: "\(Self.programs)/pg_isready -q -h 127.0.0.1 -p \(port)",
        stopSignal: "INT", directory: directory))
    try process.start()
  }

  /// Runs SQL through psql and returns what it printed.
  @discardableResult
  package func run(_ sql: String, database: String = "postgres") throws -> String {
    let psql = Process()
    let output = Pipe()
    psql.executableURL = URL(fileURLWithPath: "/usr/bin/psql")
    psql.arguments = [
      "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)", "-U",
      "postgres", "-d", database, "-c", sql,
    ]
    psql.standardOutput = output
    try psql.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    psql.waitUntilExit()
    guard psql.terminationStatus == 0 else {
      throw ServerProcess.Failure(description: "psql failed with \(psql.terminationStatus)")
    }
    return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Makes an empty database and returns its name.
  package func makeDatabase() throws -> String {
    let name = "chat_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "_")
    try run("CREATE DATABASE \(name)")
    return name
  }
}
