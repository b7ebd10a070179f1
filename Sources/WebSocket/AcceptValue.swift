import Bytes
import COpenSSL

/// The `Sec-WebSocket-Accept` that proves that a peer has read `key`; RFC 6455, section 1.3.
func acceptValue(forKey key: String) -> String {
  let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
  var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
  _ = SHA1(text, text.count, &digest)
  var accept = ByteBuffer(minimumCapacity: 32)
  accept.append(base64: digest)
  return String(decoding: accept.bytes, as: UTF8.self)
}
