import Bytes
import WebSocket

/// Frames of one connection, as both ends read them: the same however they are cut, within the
/// limits, and the same again when they are written anew.
func fuzzWebSocket(_ input: UnsafeRawBufferPointer) {
  for role in [Role.server, .client] {
    for takesDeflated in [false, true] {
      let account = Cuts(of: input).claimSameAccount {
        FrameReader(role: role, takesDeflated: takesDeflated)
      }
      claimSameWrittenAnew(account.messages, role: role)
    }
  }
}

private struct FrameReader: StreamReader, ~Copyable {
  enum Message: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case deflated(isText: Bool, [UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(CloseCode?, reason: [UInt8])
  }

  struct Account: Equatable {
    var messages: [Message] = []
    var error: ProtocolError?
    var isMidway = false
  }

  /// Small, so that inputs of a few hundred bytes reach them; large enough for each way in which
  /// a length is written but the widest.
  static let limits = MessageLimits(messageBytesMax: 700, fragmentsMax: 6)

  private var decoder: MessageDecoder
  private(set) var account = Account()

  init(role: Role, takesDeflated: Bool) {
    decoder = MessageDecoder(role: role, takesDeflated: takesDeflated)
  }

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var offset = 0
    do throws(ProtocolError) {
      while let inbound = try decoder.next(in: read, at: &offset, limits: Self.limits) {
        take(inbound)
      }
      claim(offset == read.count, "the input is used up")
      claim(!decoder.isIdle || !decoder.isMidway, "a decoder that holds nothing is not midway")
      account.isMidway = decoder.isMidway
      return true
    } catch {
      account.error = error
      account.isMidway = decoder.isMidway
      claim(!account.isMidway, "nothing is awaited of a peer that broke the protocol")
      return false
    }
  }

  private mutating func take(_ inbound: Inbound) {
    switch inbound {
    case .text(let bytes):
      claim(String(validating: bytes, as: UTF8.self) != nil, "text is UTF-8")
      claim(bytes.count <= Self.limits.messageBytesMax, "a message has a limit")
      account.messages.append(.text(Array(bytes)))
    case .binary(let bytes):
      claim(bytes.count <= Self.limits.messageBytesMax, "a message has a limit")
      account.messages.append(.binary(Array(bytes)))
    case .deflated(let isText, let bytes):
      claim(decoder.takesDeflated, "a message is compressed only where that was agreed")
      account.messages.append(.deflated(isText: isText, Array(bytes)))
    case .ping(let bytes):
      claim(bytes.count <= 125, "a control frame has a limit")
      account.messages.append(.ping(Array(bytes)))
    case .pong(let bytes):
      claim(bytes.count <= 125, "a control frame has a limit")
      account.messages.append(.pong(Array(bytes)))
    case .close(let code, let reason):
      claim(String(validating: reason, as: UTF8.self) != nil, "a reason is UTF-8")
      claim(code != nil || reason.isEmpty, "a reason stands behind a code")
      account.messages.append(.close(code, reason: Array(reason)))
    }
  }
}

/// Writes frames as the other end would, and reads them again.
private func claimSameWrittenAnew(_ messages: [FrameReader.Message], role: Role) {
  var buffer = ByteBuffer()
  var written: [FrameReader.Message] = []
  for (index, message) in messages.enumerated() {
    let key = MaskingKey(littleEndian: 0x9E37_79B9 &* UInt32(truncatingIfNeeded: index + 1))
    func append(_ opcode: Opcode, _ payload: [UInt8]) {
      payload.withUnsafeBytes { payload in
        switch role {
        case .server: buffer.appendFrame(opcode, payload, maskedWith: key)
        case .client: buffer.appendFrame(opcode, payload)
        }
      }
    }
    switch message {
    // Only a server deflates, and what a client reads may be more than it would take of a client.
    case .deflated: continue
    case .text(let bytes): append(.text, bytes)
    case .binary(let bytes): append(.binary, bytes)
    case .ping(let bytes): append(.ping, bytes)
    case .pong(let bytes): append(.pong, bytes)
    case .close(let code, let reason):
      buffer.appendCloseFrame(
        code, reason: String(decoding: reason, as: UTF8.self),
        maskedWith: role == .server ? key : nil)
    }
    written.append(message)
  }
  var reader = FrameReader(role: role, takesDeflated: false)
  claim(reader.take(buffer.mutableBytes), "what is written can be read")
  claimEqual(written, reader.account.messages, "what was written anew")
}
