import WebSocket

/// One frame as a client sends it, masked with zeros so that its payload stays readable.
func frame(_ opcode: Opcode, _ payload: [UInt8] = [], isFinal: Bool = true) -> [UInt8] {
  precondition(payload.count <= 0xFFFF, "no test needs a longer frame")
  let length: [UInt8] =
    payload.count <= 125
    ? [0x80 | UInt8(payload.count)]
    : [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
  let first: UInt8 = (isFinal ? 0x80 : 0) | opcode.rawValue
  return [first] + length + [0, 0, 0, 0] + payload
}

func frame(_ opcode: Opcode, _ text: String, isFinal: Bool = true) -> [UInt8] {
  frame(opcode, Array(text.utf8), isFinal: isFinal)
}

func closeFrame(_ code: UInt16) -> [UInt8] {
  frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)])
}

extension TestClient {
  static let handshakeFields = [
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ]

  /// Does the opening handshake and gives the server's answer.
  @discardableResult
  func open(_ target: String = "/ws", _ fields: [String] = []) -> TestResponse? {
    get(target, Self.handshakeFields + fields)
    return response()
  }

  /// The next frame of the server, such as `text hi` or `close 1000 bye`; nil when none comes.
  func nextFrame() -> String? {
    var found: String?
    receive {
      found = takeFrame()
      return found != nil
    }
    return found
  }

  /// The frames that have arrived, without turning the loop.
  func framesNow() -> [String] {
    receiveNow()
    var frames: [String] = []
    while let frame = takeFrame() { frames.append(frame) }
    return frames
  }

  /// Takes a whole frame out of what was received.
  private func takeFrame() -> String? {
    guard received.count >= 2 else { return nil }
    let short = Int(received[1])
    let headerBytes = short == 126 ? 4 : short == 127 ? 10 : 2
    guard received.count >= headerBytes else { return nil }
    let length = short <= 125 ? short : received[2..<headerBytes].reduce(0) { $0 << 8 | Int($1) }
    guard received.count >= headerBytes + length else { return nil }
    let payload = Array(received[headerBytes..<headerBytes + length])
    let opcode = Opcode(rawValue: received[0] & 0x0F)
    received.removeFirst(headerBytes + length)
    guard opcode == .close else {
      return "\(opcode.map { "\($0)" } ?? "?") \(String(decoding: payload, as: UTF8.self))"
    }
    guard payload.count >= 2 else { return "close" }
    let code = Int(payload[0]) << 8 | Int(payload[1])
    return "close \(code) \(String(decoding: payload.dropFirst(2), as: UTF8.self))"
  }
}
