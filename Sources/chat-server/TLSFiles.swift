import Glibc
import TLS

/// Where the certificate and the key of the node are.
struct TLSFiles: Sendable {
  var certificate: String
  var key: String

  func context(tickets: TicketKeys) throws(TLSFileError) -> TLSContext {
    try TLSContext(certificate: certificate, key: key, tickets: tickets)
  }
}
