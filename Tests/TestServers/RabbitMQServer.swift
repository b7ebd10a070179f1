import Foundation

/// A private RabbitMQ on a loopback port, with an epmd of its own. Takes about 5 s to start.
package final class RabbitMQServer: Sendable {
  package let port: UInt16
  package let process: ServerProcess
  private let environment: [String: String]
  private static let isRoot = getuid() == 0

  /// With certificates it speaks TLS only, as `localhost` and 127.0.0.1.
  package init(certificates: TestCertificates? = nil) throws {
    let directory = try ServerProcess.makeDirectory()
    let port = ServerProcess.freePort()
    let epmdPort = ServerProcess.freePort()
    self.port = port
    environment = Self.environment(directory, port, epmdPort)
    try Self.writeFiles(
      directory, try Self.listeners(on: port, certificates), environment)
    let owner = Self.isRoot ? "chown -R rabbitmq: '\(directory)' && " : ""
    // The shell cannot end a second process, so epmd is ended by one that waits for the shell.
    let epmd = """
      { epmd -address 127.0.0.1 -port \(epmdPort) </dev/null 3>&- & epmd=$!; \
      tail --pid=$$ -f /dev/null 3>&- </dev/null; kill $epmd; } & true
      """
    process = try ServerProcess(
      .init(
        prepare: owner + epmd, command: "sh '\(directory)/start'",
        isReady: "grep -q 'Starting broker... completed' '\(directory)/output' 2>/dev/null "
          + "&& bash -c 'exec 4<>/dev/tcp/127.0.0.1/\(port)' 2>/dev/null",
        // A signal to end in order is lost while the server starts, and nothing here is to be kept.
        stopSignal: "KILL", directory: directory))
    try process.start()
  }

  package var url: String { "amqp://guest:guest@127.0.0.1:\(port)" }

  /// Runs rabbitmqctl, which takes about half a second.
  @discardableResult
  package func control(_ arguments: String...) throws -> String {
    let (path, prefix) = Self.asServer(Self.programs + "/rabbitmqctl")
    return try runProgram(path, prefix + arguments, environment: environment)
  }

  private static let programs: String = {
    let root = "/usr/lib/rabbitmq/lib"
    let versions = try? FileManager.default.contentsOfDirectory(atPath: root)
    return "\(root)/\(versions?.max() ?? "")/sbin"
  }()

  private static func asServer(_ program: String) -> (path: String, arguments: [String]) {
    guard isRoot else { return (program, []) }
    let user = ["--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups"]
    return ("/usr/bin/setpriv", user + [program])
  }

  private static func environment(
    _ directory: String, _ port: UInt16, _ epmdPort: UInt16
  ) -> [String: String] {
    [
      "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": "\(directory)/home",
      // Never the machine's name: where it does not resolve, the server hangs.
      "RABBITMQ_NODENAME": "chat@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
      "RABBITMQ_NODE_PORT": "\(port)", "RABBITMQ_DIST_PORT": "\(ServerProcess.freePort())",
      "RABBITMQ_MNESIA_BASE": "\(directory)/mnesia", "RABBITMQ_LOG_BASE": "\(directory)/log",
      "RABBITMQ_CONFIG_FILE": "\(directory)/rabbitmq", "RABBITMQ_CONF_ENV_FILE": "/dev/null",
      "RABBITMQ_ENABLED_PLUGINS_FILE": "\(directory)/enabled_plugins",
      "RABBITMQ_PID_FILE": "\(directory)/rabbit.pid",
      "RABBITMQ_GENERATED_CONFIG_DIR": "\(directory)/schema",
      "RABBITMQ_SCHEMA_DIR": "\(directory)/schema",
      "ERL_EPMD_PORT": "\(epmdPort)", "ERL_EPMD_ADDRESS": "127.0.0.1",
      "ERL_CRASH_DUMP": "/dev/null",
      // Without waiting in loops, which would burn the cores while idle.
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
        "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none "
        + "+sbwtdio none",
      "RABBITMQ_CTL_ERL_ARGS": "+sbwt none",
      // Has the script become the server, instead of a shell around it.
      "RUNNING_UNDER_SYSTEMD": "true",
    ]
  }

  private static func listeners(
    on port: UInt16, _ certificates: TestCertificates?
  ) throws -> String {
    guard let certificates else { return "listeners.tcp.1 = 127.0.0.1:\(port)" }
    let pair = try certificates.make("rabbitmq")
    return """
      listeners.tcp = none
      listeners.ssl.1 = 127.0.0.1:\(port)
      ssl_options.cacertfile = \(certificates.authority)
      ssl_options.certfile = \(pair.certificate)
      ssl_options.keyfile = \(pair.key)
      ssl_options.verify = verify_none
      ssl_options.fail_if_no_peer_cert = false
      """
  }

  private static func writeFiles(
    _ directory: String, _ listeners: String, _ environment: [String: String]
  ) throws {
    let files = FileManager.default
    for name in ["home", "mnesia", "log", "schema"] {
      try files.createDirectory(
        atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
    }
    let settings = """
      \(listeners)
      log.console = false
      vm_memory_high_watermark.absolute = 1GiB
      disk_free_limit.absolute = 50MB
      heartbeat = 10

      """
    try settings.write(
      toFile: "\(directory)/rabbitmq.conf", atomically: false, encoding: .utf8)
    try "[].\n".write(
      toFile: "\(directory)/enabled_plugins", atomically: false, encoding: .utf8)
    let cookie = "\(directory)/home/.erlang.cookie"
    try UUID().uuidString.write(toFile: cookie, atomically: false, encoding: .utf8)
    try files.setAttributes([.posixPermissions: 0o400], ofItemAtPath: cookie)
    let (path, prefix) = asServer(programs + "/rabbitmq-server")
    let variables = environment.map { "'\($0)=\($1)'" }.sorted().joined(separator: " ")
    let start = """
      exec env -i \(variables) \(([path] + prefix).joined(separator: " ")) \
      >'\(directory)/output' 2>&1

      """
    try start.write(toFile: "\(directory)/start", atomically: false, encoding: .utf8)
  }
}
