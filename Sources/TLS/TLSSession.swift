package import Bytes
internal import COpenSSL
internal import Glibc
package import Reactor

/// One TLS connection: sealed bytes in, opened ones out, and back. No socket and no clock.
///
/// Confined to one thread, like all that it is used with. OpenSSL's own buffers of 16 KiB are there
/// only while a record is incomplete.
package final class TLSSession: StreamCodec {
  private let ssl: OpaquePointer
  /// The handshake is done and, at a client, the server is who it should be.
  package private(set) var isEstablished = false
  /// Why it ended, if it did not end in order. Nothing may be asked of OpenSSL any more then
  /// (SSL_get_error(3)).
  package private(set) var failure: TLSFailure?
  /// At a server, as long as a hello may come.
  private var helloGuard: HelloGuard?

  private init?(_ context: TLSContext) {
    ERR_clear_error()
    guard let ssl = SSL_new(context.handle) else { return nil }
    self.ssl = ssl
    guard Transport.attach(to: ssl) else { return nil }
  }

  /// The server's side; nil without memory.
  package convenience init?(server context: TLSContext) {
    self.init(context)
    SSL_set_accept_state(ssl)
    helloGuard = HelloGuard()
  }

  /// The client's side; nil without memory.
  ///
  /// - Parameter host: the name or the numeric address that the certificate must be for.
  package convenience init?(client context: TLSContext, host: String) {
    self.init(context)
    SSL_set_connect_state(ssl)
    let rules = SSL_get0_param(ssl)
    if X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1 { return }
    // A numeric address is no name (RFC 6066 section 3), and is not told. A certificate is for the
    // names that it lists as such, and not for its subject (RFC 9525 section 6.3).
    let flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    X509_VERIFY_PARAM_set_hostflags(rules, UInt32(flags))
    guard X509_VERIFY_PARAM_set1_host(rules, host, 0) == 1,
      copenssl_set_host_name(ssl, host) == 1
    else { return nil }
  }

  deinit { SSL_free(ssl) }

  // MARK: StreamCodec

  package func start(_ sealed: inout ByteBuffer) {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    Transport.with(ssl, input: nothing, output: &sealed) { _ in
      ERR_clear_error()
      // It now waits for the server; a failure shows when the server's answer is looked at.
      _ = SSL_do_handshake(ssl)
    }
  }

  package func open(
    _ buffer: UnsafeMutableRawBufferPointer, from start: Int, sealed: inout ByteBuffer
  ) -> OpenedBytes {
    if let failure { return OpenedBytes(count: 0, state: .failed(failure.reason)) }
    let input = UnsafeRawBufferPointer(rebasing: buffer[start...])
    if !isEstablished, !acceptsHello(in: input) {
      failure = .longHello
      return OpenedBytes(count: 0, state: .failed(TLSFailure.longHello.reason))
    }
    return Transport.with(ssl, input: input, output: &sealed) { transport in
      var count = 0
      while true {
        // Never into what OpenSSL has not taken yet. A record opens to less than itself, and before
        // the first lies room for one that began in an earlier read.
        let room = buffer[count..<start + transport.pointee.inputTaken]
        let opened = read(into: UnsafeMutableRawBufferPointer(rebasing: room))
        switch opened {
        case .count(let more): count += more
        case .over(let state): return OpenedBytes(count: count, state: state)
        }
      }
    }
  }

  /// False for a hello that OpenSSL must not see the beginning of.
  @inline(never)
  private func acceptsHello(in input: UnsafeRawBufferPointer) -> Bool {
    guard helloGuard != nil else { return true }
    // Once a hello was answered with TLS 1.2, sealed records come that look like others from outside.
    // In 1.3 a second hello may come, not sealed, where the first had no key of a shared group.
    if SSL_version(ssl) == TLS1_2_VERSION { helloGuard = nil }
    return helloGuard?.accepts(input) ?? true
  }

  private enum Read {
    case count(Int)
    case over(OpenedBytes.State)
  }

  /// One `SSL_read`, which also is what takes the handshake further.
  private func read(into room: UnsafeMutableRawBufferPointer) -> Read {
    ERR_clear_error()
    let count = SSL_read(ssl, room.baseAddress, Int32(clamping: room.count))
    if !isEstablished, SSL_is_init_finished(ssl) == 1 { isEstablished = true }
    if count > 0 { return .count(Int(count)) }
    switch SSL_get_error(ssl, count) {
    case SSL_ERROR_WANT_READ: return .over(.open)
    case SSL_ERROR_ZERO_RETURN: return .over(.ended)
    default: return .over(.failed(fail().reason))
    }
  }

  package func seal(
    _ plain: UnsafeRawBufferPointer, into sealed: inout ByteBuffer
  ) -> StaticString? {
    precondition(isEstablished, "sealed before the handshake was done")
    if let failure { return failure.reason }
    return Transport.with(
      ssl, input: UnsafeRawBufferPointer(start: nil, count: 0), output: &sealed
    ) { _ in
      var rest = plain
      while !rest.isEmpty {
        ERR_clear_error()
        let count = SSL_write(ssl, rest.baseAddress, Int32(clamping: rest.count))
        guard count > 0 else { return fail().reason }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(count)))
      }
      return nil
    }
  }

  package func finish(_ sealed: inout ByteBuffer) {
    guard isEstablished, failure == nil else { return }
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    Transport.with(ssl, input: nothing, output: &sealed) { _ in
      ERR_clear_error()
      // Said once, however often it is called.
      _ = SSL_shutdown(ssl)
    }
  }

  private func fail() -> TLSFailure {
    let failure = TLSFailure(of: ssl)
    self.failure = failure
    ERR_clear_error()
    return failure
  }
}
