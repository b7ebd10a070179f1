internal import Bytes
internal import COpenSSL

/// What one call of OpenSSL reads from and writes to, in a socket's place.
///
/// It lies on the caller's stack and the BIO points at it for the length of the call, so that a
/// session owns no buffer.
struct Transport {
  private var input: UnsafeRawBufferPointer
  private let output: UnsafeMutablePointer<ByteBuffer>
  /// Bytes of the input that OpenSSL has taken.
  private(set) var inputTaken = 0

  /// Has `body` make its calls with these bytes to read and this buffer to write to.
  static func with<Result>(
    _ ssl: OpaquePointer, input: UnsafeRawBufferPointer, output: inout ByteBuffer,
    _ body: (UnsafeMutablePointer<Transport>) -> Result
  ) -> Result {
    // One BIO for both directions.
    let bio = SSL_get_rbio(ssl)
    return withUnsafeMutablePointer(to: &output) { output in
      var transport = Transport(input: input, output: output)
      return withUnsafeMutablePointer(to: &transport) { transport in
        BIO_set_data(bio, transport)
        defer { BIO_set_data(bio, nil) }
        return body(transport)
      }
    }
  }

  /// Gives `ssl`, which will own it, a BIO that reads and writes here; false without memory.
  static func attach(to ssl: OpaquePointer) -> Bool {
    guard let bio = BIO_new(method) else { return false }
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    return true
  }

  // Written once, here, and only read afterwards.
  nonisolated(unsafe) private static let method: OpaquePointer = {
    let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = BIO_meth_new(kind, "chat-server"),
      BIO_meth_set_read(method, { Transport.read($0, $1, $2) }) == 1,
      BIO_meth_set_write(method, { Transport.write($0, $1, $2) }) == 1,
      // Nothing is buffered here, so everything is flushed; no other order is known.
      BIO_meth_set_ctrl(method, { _, order, _, _ in order == BIO_CTRL_FLUSH ? 1 : 0 }) == 1
    else { preconditionFailure("no memory for a BIO method") }
    return method
  }()

  private static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<Transport>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: Transport.self)
  }

  private static func read(
    _ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32
  ) -> Int32 {
    guard let transport = of(bio), let buffer, count > 0 else { return -1 }
    let rest = transport.pointee.input.dropFirst(transport.pointee.inputTaken)
    let taken = rest.prefix(Int(count))
    guard !taken.isEmpty else {
      copenssl_bio_should_read_again(bio)
      return -1
    }
    UnsafeMutableRawBufferPointer(start: buffer, count: taken.count)
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
    transport.pointee.inputTaken += taken.count
    return Int32(taken.count)
  }

  private static func write(
    _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32
  ) -> Int32 {
    guard let transport = of(bio), let bytes, count > 0 else { return -1 }
    transport.pointee.output.pointee.append(
      UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    return count
  }
}
