extension ByteBuffer {
  /// Appends `source` in base64 with padding; RFC 4648, section 4.
  package mutating func append(base64 source: [UInt8]) {
    reserve((source.count + 2) / 3 * 4)
    var group: UInt32 = 0
    var grouped = 0
    for byte in source {
      group = group << 8 | UInt32(byte)
      grouped += 1
      if grouped == 3 {
        append(base64Group: group, digits: 4)
        group = 0
        grouped = 0
      }
    }
    if grouped > 0 {
      append(base64Group: group << UInt32(8 * (3 - grouped)), digits: grouped + 1)
    }
  }

  private mutating func append(base64Group group: UInt32, digits: Int) {
    for place in 0..<4 {
      let value = UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * place)) & 0x3F
      append(place < digits ? base64Digit(value) : UInt8(ascii: "="))
    }
  }
}

private func base64Digit(_ value: UInt8) -> UInt8 {
  switch value {
  case 0..<26: UInt8(ascii: "A") + value
  case 26..<52: UInt8(ascii: "a") + value - 26
  case 52..<62: UInt8(ascii: "0") + value - 52
  case 62: UInt8(ascii: "+")
  default: UInt8(ascii: "/")
  }
}
