import Bytes

@testable import WebSocket

/// One frame as a peer might send it, lawful or not.
struct Frame {
  var opcode: UInt8
  var payload: [UInt8] = []
  var isFinal = true
  var reserved: UInt8 = 0
  var key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
  /// Bytes of the length after the second byte; nil for the fewest.
  var lengthBytes: Int?

  static func text(_ text: String, isFinal: Bool = true) -> Frame {
    Frame(opcode: 1, payload: Array(text.utf8), isFinal: isFinal)
  }

  static func more(_ text: String, isFinal: Bool = true) -> Frame {
    Frame(opcode: 0, payload: Array(text.utf8), isFinal: isFinal)
  }

  static func binary(_ payload: [UInt8]) -> Frame { Frame(opcode: 2, payload: payload) }

  static func close(_ payload: [UInt8]) -> Frame { Frame(opcode: 8, payload: payload) }

  static func ping(_ text: String) -> Frame { Frame(opcode: 9, payload: Array(text.utf8)) }

  var header: [UInt8] {
    let fewest = payload.count <= 125 ? 0 : payload.count <= 0xFFFF ? 2 : 8
    let width = lengthBytes ?? fewest
    let short = UInt8(width == 0 ? payload.count : width == 2 ? 126 : 127)
    let long = (0..<width).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xFF) }
    return [(isFinal ? 0x80 : 0) | reserved << 4 | opcode, (key == nil ? 0 : 0x80) | short] + long
      + (key ?? [])
  }

  var bytes: [UInt8] {
    guard let key else { return header + payload }
    return header + payload.enumerated().map { $1 ^ key[$0 % 4] }
  }
}

/// What a decoder made of its input, in comparable form.
struct Conversation: Equatable {
  var inbound: [String] = []
  var error: ProtocolError?
  var isMidway = false
  var holdsBuffer = false

  init(
    decoding pieces: [[UInt8]], role: Role = .server, limits: MessageLimits = MessageLimits(),
    stopsAtError: Bool = true, deflate: Deflate? = nil
  ) {
    var decoder = MessageDecoder(role: role, takesDeflated: deflate != nil)
    for piece in pieces {
      var input = piece
      input.withUnsafeMutableBytes { input in
        var offset = 0
        do throws(ProtocolError) {
          while let next = try decoder.next(in: input, at: &offset, limits: limits) {
            if case .deflated(let isText, let payload) = next {
              inbound.append(try deflate!.inflate(payload, isText: isText, limits: limits))
            } else {
              inbound.append(describe(next))
            }
          }
        } catch {
          self.error = error
        }
      }
      if stopsAtError, error != nil { break }
    }
    isMidway = decoder.isMidway
    holdsBuffer = decoder.assembler?.holdsBuffer ?? false
  }

  init(_ frames: [Frame], limits: MessageLimits = MessageLimits()) {
    self.init(decoding: [frames.flatMap(\.bytes)], limits: limits)
  }
}

/// One connection's compression.
struct Deflate {
  let contexts: DeflateContexts
  let session: DeflateSession

  /// - Parameter offer: What the client's header says behind the extension's name.
  init(_ offer: String = "; client_max_window_bits", policy: CompressionPolicy = .init()) {
    contexts = DeflateContexts(policy: policy)
    let offers = [DeflateOffer(Array("permessage-deflate\(offer)".utf8)[...])!]
    session = contexts.session(DeflateParameters(offers: offers, policy: policy)!)
  }

  /// With a context on each side that lasts as long as the connection.
  static var keepingContexts: Deflate { Deflate(policy: CompressionPolicy(contextsMax: 1)) }

  func inflate(
    _ payload: UnsafeRawBufferPointer, isText: Bool, limits: MessageLimits
  ) throws(ProtocolError) -> String {
    var found = ""
    try contexts.inflate(payload, isText: isText, limits: limits, for: session) {
      found = describe(isText ? .text($0) : .binary($0))
    }
    return found
  }

  /// What a message becomes; nil where it goes as it is.
  func deflate(_ message: [UInt8]) -> [UInt8]? {
    var found: [UInt8]?
    let isDeflated = message.withUnsafeBytes {
      contexts.deflate($0, for: session) { found = Array($0) }
    }
    precondition(isDeflated == (found != nil))
    return found
  }
}

private func describe(_ inbound: Inbound) -> String {
  func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
  switch inbound {
  case .text(let bytes): return "text \(text(bytes))"
  case .binary(let bytes): return "binary \(Array(bytes))"
  case .deflated(_, let bytes): return "deflated \(Array(bytes))"
  case .ping(let bytes): return "ping \(text(bytes))"
  case .pong(let bytes): return "pong \(text(bytes))"
  case .close(let code, let reason):
    return "close \(code.map { "\($0.rawValue)" } ?? "-") \(text(reason))"
  }
}

/// Every cut of `bytes` in two, and the cut into single bytes.
func everyCut(_ bytes: [UInt8]) -> [[[UInt8]]] {
  bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] } + [bytes.map { [$0] }]
}

/// A generator whose sequence a seed fixes.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
