internal import COpenSSL

/// What the tickets of a server's sessions are sealed with (RFC 5077 section 4, RFC 8446 section
/// 4.6.1). Contexts that share them take each other's tickets.
package struct TicketKeys: Sendable {
  /// A name of 16 bytes, then 32 bytes each for HMAC-SHA256 and AES-256.
  private static let size = 80

  private let bytes: [UInt8]

  /// New ones, which nobody else has.
  package init() {
    var bytes = [UInt8](repeating: 0, count: Self.size)
    precondition(RAND_priv_bytes(&bytes, Int32(Self.size)) == 1, "no randomness")
    self.bytes = bytes
  }

  func use(in context: OpaquePointer) {
    precondition(copenssl_ticket_keys_size(context) == Self.size, "another layout of ticket keys")
    let isSet = copenssl_ctx_set_ticket_keys(context, bytes, Self.size) == 1
    precondition(isSet, "ticket keys of the right size are taken")
  }
}
