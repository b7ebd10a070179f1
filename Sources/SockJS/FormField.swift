import Bytes
import HTTP1

/// One field of a form as browsers send it: `application/x-www-form-urlencoded`.
struct FormField {
  /// Its value, decoded: any bytes.
  let value: [UInt8]

  /// Whether a `Content-Type` is that of a form, whatever its parameters.
  static func isForm(_ contentType: String?) -> Bool {
    guard let type = contentType?.utf8.prefix(while: { $0 != UInt8(ascii: ";") }) else {
      return false
    }
    let name = Array(type.filter { $0 != ASCII.space && $0 != ASCII.tab })
    return ASCII.equalIgnoringCase(name[...], "application/x-www-form-urlencoded")
  }

  /// Finds the first field called `name`.
  init(
    _ name: StaticString, in body: UnsafeRawBufferPointer
  ) throws(SockJSPayloadError) {
    let start = name.utf8CodeUnitCount + 1
    var rest = body[...]
    while !rest.isEmpty {
      let pair = rest.prefix { $0 != UInt8(ascii: "&") }
      if pair.count >= start, pair[pair.startIndex + start - 1] == UInt8(ascii: "="),
        pair.prefix(start - 1).elementsEqual(name.bytes)
      {
        let encoded = Array(pair.dropFirst(start))
        guard let decoded = PercentEncoding.decoded(encoded[...], plusIsSpace: true) else {
          throw .brokenEncoding
        }
        value = decoded
        return
      }
      rest = rest[pair.endIndex...].dropFirst()
    }
    throw .payloadExpected
  }
}
