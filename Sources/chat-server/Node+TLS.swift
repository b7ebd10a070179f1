import Glibc
import Logging
import Reactor
import TLS

/// The node's certificate, as its workers have it.
///
/// Confined to the control loop.
final class NodeTLS {
  /// How long tickets are sealed with the same keys: for so long who steals them can read what was
  /// said on sessions that were resumed.
  static let ticketLife = Duration.seconds(24 * 3600)

  private let files: TLSFiles
  /// Kept over a reload, so that clients of the old certificate's sessions can resume them.
  private var tickets = TicketKeys()
  private(set) var context: TLSContext

  init(_ files: TLSFiles) throws(TLSFileError) {
    self.files = files
    context = try files.context(tickets: tickets)
  }

  /// Reads the files again; if that fails nothing changes.
  func reload() throws(TLSFileError) { context = try files.context(tickets: tickets) }

  /// Makes the tickets given out so far void.
  func renewTickets() {
    tickets = TicketKeys()
    context = TLSContext(context, tickets: tickets)
  }
}

// Certificates are renewed while the node runs: a worker uses the new one for the handshakes that
// begin from then on, and connections that are up keep theirs.
extension Node {
  /// SIGHUP.
  func reloadCertificate() {
    guard let tls else { return log.info("SIGHUP: nothing to read again without --tls-cert") }
    do throws(TLSFileError) {
      try tls.reload()
      distribute(tls.context)
      log.info("certificate read again", metadata: tls.context.logMetadata)
    } catch {
      log.error(
        "certificate not read again; the old one goes on", metadata: ["error": "\(error)"])
    }
  }

  func renewTickets() {
    guard let tls else { return }
    tls.renewTickets()
    distribute(tls.context)
  }

  private func distribute(_ context: TLSContext) { order(.useTLS(context)) }
}

extension TLSContext {
  var logMetadata: Logger.Metadata {
    guard let certificateEnd else { return [:] }
    var end = time_t(certificateEnd)
    var parts = tm()
    gmtime_r(&end, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    let shown = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    return ["certificate.end": "\(shown)"]
  }
}
