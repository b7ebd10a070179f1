import Foundation

/// A certificate authority of the tests' own, with the certificates that they need, in a folder
/// that is removed with it.
package final class TestCertificates: Sendable {
  package let directory: String
  /// The authority's certificate.
  package var authority: String { "\(directory)/ca.pem" }

  package init() throws {
    directory = try ServerProcess.makeDirectory()
    try openssl(
      ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=Test Authority"] + Self.newKey
        + ["-keyout", "\(directory)/ca.key", "-out", authority])
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]

  package struct Pair: Sendable {
    package let certificate: String
    package let key: String
  }

  /// A certificate for the names, like `DNS:localhost,IP:127.0.0.1`, that ends in `days` days; a
  /// negative number has it ended already.
  package func make(
    _ name: String, for names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 2
  ) throws -> Pair {
    let base = "\(directory)/\(name)"
    try openssl(
      ["req", "-nodes", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)"]
        + Self.newKey + ["-keyout", "\(base).key", "-out", "\(base).request"])
    try openssl([
      "x509", "-req", "-in", "\(base).request", "-CA", authority, "-CAkey",
      "\(directory)/ca.key", "-set_serial", "\(UInt32.random(in: 1...(.max)))", "-copy_extensions",
      "copy", "-days", "\(days)", "-out", "\(base).pem",
    ])
    // Servers run as users of their own.
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o644], ofItemAtPath: "\(base).key")
    return Pair(certificate: "\(base).pem", key: "\(base).key")
  }

  package func openssl(_ arguments: [String]) throws {
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    program.arguments = arguments
    program.standardInput = FileHandle.nullDevice
    program.standardOutput = FileHandle.nullDevice
    program.standardError = FileHandle.nullDevice
    try program.run()
    program.waitUntilExit()
    guard program.terminationStatus == 0 else {
      throw ServerProcess.Failure(description: "openssl \(arguments.joined(separator: " "))")
    }
  }
}
