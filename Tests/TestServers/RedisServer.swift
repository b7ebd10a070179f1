import Foundation

/// A private Redis on a loopback port, without persistence.
package final class RedisServer: Sendable {
  package let port: UInt16
  package let process: ServerProcess
  private let password: String?
  private let certificates: TestCertificates?

  /// With certificates it speaks TLS only, as `localhost` and 127.0.0.1.
  package init(password: String? = nil, certificates: TestCertificates? = nil) throws {
    let directory = try ServerProcess.makeDirectory()
    let port = ServerProcess.freePort()
    let isRoot = getuid() == 0
    let user = isRoot ? "setpriv --reuid=redis --regid=redis --clear-groups " : ""
    let secret = password.map { " --requirepass '\($0)'" } ?? ""
    self.port = port
    self.password = password
    self.certificates = certificates
    let pair = try certificates?.make("redis")
    let ports =
      if let certificates, let pair {
        "--port 0 --tls-port \(port) --tls-cert-file '\(pair.certificate)' --tls-key-file "
          + "'\(pair.key)' --tls-ca-cert-file '\(certificates.authority)' --tls-auth-clients no"
      } else {
        "--port \(port)"
      }
    let tls = certificates.map { "--tls --cacert '\($0.authority)'" } ?? ""
    process = try ServerProcess(
      .init(
        prepare: isRoot ? "chown redis: '\(directory)'" : "true",
        command: "\(user)redis-server --bind 127.0.0.1 \(ports) --save '' --appendonly no "
          + "--daemonize no --dir '\(directory)' --logfile redis.log\(secret)",
        isReady: "redis-cli -h 127.0.0.1 -p \(port) \(tls) ping 2>/dev/null "
          + "| grep -qE 'PONG|NOAUTH'",
        stopSignal: "TERM", directory: directory))
    try process.start()
  }

  package var url: String {
    "redis://" + (password.map { ":\($0)@" } ?? "") + "127.0.0.1:\(port)"
  }

  /// Runs a command through redis-cli and returns what it printed.
  @discardableResult
  package func run(_ arguments: String...) throws -> String {
    let secret = password.map { ["--no-auth-warning", "-a", $0] } ?? []
    let tls = certificates.map { ["--tls", "--cacert", $0.authority] } ?? []
    return try runProgram(
      "/usr/bin/redis-cli", ["-h", "127.0.0.1", "-p", "\(port)"] + tls + secret + arguments)
  }
}

/// Runs a program to its end and returns what it printed.
func runProgram(
  _ path: String, _ arguments: [String], environment: [String: String]? = nil
) throws -> String {
  let program = Process()
  let output = Pipe()
  program.executableURL = URL(fileURLWithPath: path)
  program.arguments = arguments
  program.environment = environment
  program.standardOutput = output
  program.standardInput = FileHandle.nullDevice
  try program.run()
  let text = output.fileHandleForReading.readDataToEndOfFile()
  program.waitUntilExit()
  guard program.terminationStatus == 0 else {
    throw ServerProcess.Failure(
      description: "\(path) \(arguments.joined(separator: " ")): \(program.terminationStatus)")
  }
  return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
