import Foundation
import TestServers
import Testing

@testable import TLS

@Suite struct TLSContextTests {
  private func reason(_ certificate: String, _ key: String) -> String {
    do throws(TLSFileError) {
      _ = try TLSContext(certificate: certificate, key: key, tickets: TicketKeys())
      return "none"
    } catch {
      #expect(!"\(error)".contains("\n"))
      return "\(error)"
    }
  }

  private func file(_ name: String, _ text: String) throws -> String {
    let path = "\(Certificates.all.directory)/\(name)"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  @Test func `what is wrong with a file is one line with its name`() throws {
    let good = Certificates.localhost
    #expect(reason(good.certificate, good.key) == "none")
    #expect(reason("/nowhere.pem", good.key).hasSuffix("/nowhere.pem: No such file or directory"))
    #expect(reason(good.certificate, "/nowhere.key").contains("/nowhere.key: No such file"))
    #expect(reason(good.key, good.key).hasSuffix("no certificate in it"))
    #expect(reason(good.certificate, good.certificate).hasSuffix("no private key in it"))
    let garbage = try file("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END")
    #expect(reason(garbage, good.key).hasSuffix("no certificate in it"))
    #expect(reason(try file("empty.pem", ""), good.key).hasSuffix("no certificate in it"))
  }

  @Test func `a key of another certificate is found out`() throws {
    let other = try Certificates.all.make("other")
    #expect(
      reason(Certificates.localhost.certificate, other.key)
        .hasSuffix("the key is not the certificate's"))
  }

  @Test func `an encrypted key is refused without asking for its password`() throws {
    let path = "\(Certificates.all.directory)/encrypted.key"
    try Certificates.all.openssl([
      "ec", "-in", Certificates.localhost.key, "-aes256", "-passout", "pass:hunter2", "-out", path,
    ])
    #expect(reason(Certificates.localhost.certificate, path).hasSuffix("the key is encrypted"))
  }

  @Test func `a weak key is refused`() throws {
    let base = "\(Certificates.all.directory)/weak"
    try Certificates.all.openssl([
      "req", "-x509", "-nodes", "-newkey", "rsa:1024", "-days", "2", "-subj", "/CN=weak",
      "-keyout", "\(base).key", "-out", "\(base).pem",
    ])
    #expect(reason("\(base).pem", "\(base).key").hasSuffix("too weak"))
  }

  @Test func `a file of trust without a certificate is refused`() throws {
    #expect(throws: TLSFileError("/nowhere", "No such file or directory")) {
      try TLSContext(trusting: .file("/nowhere"))
    }
    let empty = try file("empty-trust.pem", "")
    #expect(throws: TLSFileError(empty, "no certificate in it")) {
      try TLSContext(trusting: .file(empty))
    }
  }

  @Test func `the end of a certificate is known`() throws {
    let context = try TLSContext.server(Certificates.localhost)
    let end = try #require(context.certificateEnd)
    let left = Double(end) - Date().timeIntervalSince1970
    #expect(left > 86_400 && left <= 2 * 86_400)
  }
}
