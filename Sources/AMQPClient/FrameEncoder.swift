internal import Bytes
internal import CRabbitMQ

/// Methods and contents to frames.
///
/// The library encodes the fields; the seven bytes before them and the one behind are ours.
enum FrameEncoder {
  static let protocolHeader: [UInt8] = [
    UInt8(ascii: "A"), UInt8(ascii: "M"), UInt8(ascii: "Q"), UInt8(ascii: "P"), 0, 0, 9, 1,
  ]
  /// The frame around a payload.
  static let overheadBytes = 8
  private static let frameEnd: UInt8 = 0xCE
  /// More than any method here takes: short strings have 255 bytes, tables a few.
  private static let fieldBytesMax = 4_096

  static func heartbeat(into buffer: inout ByteBuffer) {
    frame(AMQP_FRAME_HEARTBEAT, channel: 0, into: &buffer) { _ in }
  }

  static func method<Fields>(
    _ id: UInt32, _ fields: Fields, channel: UInt16, into buffer: inout ByteBuffer
  ) {
    frame(AMQP_FRAME_METHOD, channel: channel, into: &buffer) { buffer in
      buffer.append(bigEndian: id)
      appendEncoded(to: &buffer) { bytes in
        withUnsafePointer(to: fields) {
          amqp_encode_method(id, UnsafeMutableRawPointer(mutating: $0), bytes)
        }
      }
    }
  }

  /// A message that the broker need not write to its disk, in as many frames as it takes.
  static func transientContent(
    _ body: [UInt8], channel: UInt16, frameMax: Int, into buffer: inout ByteBuffer
  ) {
    frame(AMQP_FRAME_HEADER, channel: channel, into: &buffer) { buffer in
      buffer.append(bigEndian: UInt16(AMQP_BASIC_CLASS))
      buffer.append(bigEndian: UInt16(0))
      buffer.append(bigEndian: UInt64(body.count))
      appendEncoded(to: &buffer) { bytes in
        var properties = amqp_basic_properties_t()
        properties._flags = amqp_flags_t(AMQP_BASIC_DELIVERY_MODE_FLAG)
        properties.delivery_mode = UInt8(AMQP_DELIVERY_NONPERSISTENT.rawValue)
        return amqp_encode_properties(UInt16(AMQP_BASIC_CLASS), &properties, bytes)
      }
    }
    body.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest.prefix(frameMax - overheadBytes))
        frame(AMQP_FRAME_BODY, channel: channel, into: &buffer) { $0.append(part) }
        rest = rest.dropFirst(part.count)
      }
    }
  }

  private static func frame(
    _ type: Int32, channel: UInt16, into buffer: inout ByteBuffer,
    _ payload: (inout ByteBuffer) -> Void
  ) {
    buffer.append(UInt8(type))
    buffer.append(bigEndian: channel)
    let start = buffer.count
    buffer.append(bigEndian: UInt32(0))
    payload(&buffer)
    let length = UInt32(buffer.count - start - 4)
    buffer.mutableBytes.storeBytes(of: length.bigEndian, toByteOffset: start, as: UInt32.self)
    buffer.append(frameEnd)
  }

  private static func appendEncoded(
    to buffer: inout ByteBuffer, _ encode: (amqp_bytes_t) -> Int32
  ) {
    let start = buffer.count
    var length: Int32 = 0
    buffer.appendUninitialized(fieldBytesMax) { pointer in
      length = encode(amqp_bytes_t(len: fieldBytesMax, bytes: pointer))
    }
    precondition(length >= 0, "a method of this client could not be encoded")
    buffer.truncate(to: start + Int(length))
  }
}

/// Strings in the library's form, kept until `deallocate()`.
struct CBytes {
  private var allocations: [UnsafeMutableRawPointer] = []

  mutating func add(_ text: String) -> amqp_bytes_t {
    var text = text
    return text.withUTF8 { utf8 in
      let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, utf8.count), alignment: 1)
      if let start = utf8.baseAddress { copy.copyMemory(from: start, byteCount: utf8.count) }
      allocations.append(copy)
      return amqp_bytes_t(len: utf8.count, bytes: copy)
    }
  }

  func deallocate() {
    for allocation in allocations { allocation.deallocate() }
  }
}
