import Bytes

/// A query's parameter in PostgreSQL's binary format.
package struct PostgresParameter: Sendable {
  /// The OID of the type, as in `pg_type`.
  package let type: UInt32
  let bytes: [UInt8]

  package static func text(_ value: String) -> Self { Self(type: 25, bytes: Array(value.utf8)) }

  package static func bytes(_ value: [UInt8]) -> Self { Self(type: 17, bytes: value) }

  package static func int8(_ value: Int64) -> Self {
    Self(type: 20, bytes: withUnsafeBytes(of: value.bigEndian) { Array($0) })
  }
}

/// Collects the elements of a one-dimensional array parameter.
package struct PostgresArray: ~Copyable {
  private let type: UInt32
  private let elementType: UInt32
  private var elements: ByteBuffer
  private var count: Int32 = 0
  private var hasNulls = false

  package static func text() -> PostgresArray { PostgresArray(type: 1009, elementType: 25) }
  package static func bytes() -> PostgresArray { PostgresArray(type: 1001, elementType: 17) }
  package static func int4() -> PostgresArray { PostgresArray(type: 1007, elementType: 23) }
  package static func int8() -> PostgresArray { PostgresArray(type: 1016, elementType: 20) }

  private init(type: UInt32, elementType: UInt32) {
    self.type = type
    self.elementType = elementType
    elements = ByteBuffer(minimumCapacity: 4096)
  }

  package mutating func append(_ value: String) {
    count += 1
    elements.append(bigEndian: Int32(value.utf8.count))
    elements.append(utf8: value)
  }

  package mutating func append(_ value: UnsafeRawBufferPointer) {
    count += 1
    elements.append(bigEndian: Int32(value.count))
    elements.append(value)
  }

  package mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    count += 1
    elements.append(bigEndian: Int32(MemoryLayout<Value>.size))
    elements.append(bigEndian: value)
  }

  package mutating func appendNull() {
    count += 1
    hasNulls = true
    elements.append(bigEndian: Int32(-1))
  }

  /// The array as PostgreSQL's `array_recv` reads it.
  package consuming func finish() -> PostgresParameter {
    var header = ByteBuffer(minimumCapacity: 32)
    header.append(bigEndian: Int32(count == 0 ? 0 : 1))
    header.append(bigEndian: Int32(hasNulls ? 1 : 0))
    header.append(bigEndian: elementType)
    if count > 0 {
      header.append(bigEndian: count)
      // Arrays count from 1.
      header.append(bigEndian: Int32(1))
    }
    let all = [UInt8](unsafeUninitializedCapacity: header.count + elements.count) { target, size in
      let raw = UnsafeMutableRawBufferPointer(target)
      raw.copyBytes(from: header.bytes)
      raw[header.count...].copyBytes(from: elements.bytes)
      size = header.count + elements.count
    }
    return PostgresParameter(type: type, bytes: all)
  }
}
