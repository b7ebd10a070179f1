import HTTP1
import WebSocket

/// Compressed messages: what is inflated has a limit, and a text is checked; what is deflated comes
/// back as it was, also where messages refer to earlier ones.
func fuzzDeflate(_ input: UnsafeRawBufferPointer) {
  for session in Agreements.all {
    checkInflating(input, session.contexts, session.session)
    checkDeflating(input, session.contexts, session.session)
  }
}

/// Sessions as different requests get them, made anew for each input: contexts remember.
private struct Agreements {
  let contexts: DeflateContexts
  let session: DeflateSession

  static var all: [Agreements] {
    [
      Agreements("permessage-deflate", contextsMax: 0),
      Agreements("permessage-deflate; server_max_window_bits=9", contextsMax: 0),
      Agreements(
        "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12", contextsMax: 1),
    ].compactMap(\.self)
  }

  private init?(_ offer: String, contextsMax: Int) {
    var policy = CompressionPolicy(contextsMax: contextsMax)
    policy.messageBytesMin = 0
    contexts = DeflateContexts(policy: policy)
    guard let parameters = Self.parameters(offer, policy) else { return nil }
    session = contexts.session(parameters)
  }

  private static func parameters(
    _ offer: String, _ policy: CompressionPolicy
  ) -> DeflateParameters? {
    let request = """
      GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
      Sec-WebSocket-Extensions: \(offer)\r\n\r\n
      """
    return Array(request.utf8).withUnsafeBytes { bytes in
      var parser = RequestParser()
      var offset = 0
      let event = try? parser.next(in: bytes, at: &offset, limits: RequestLimits())
      guard case .head(let head)? = event else { return nil }
      return (try? Handshake(head, origins: .any, compression: policy))?.compression
    }
  }
}

/// Small, so that an input of a few bytes inflates to more.
private let limits = MessageLimits(messageBytesMax: 2_000)

private func checkInflating(
  _ input: UnsafeRawBufferPointer, _ contexts: DeflateContexts, _ session: DeflateSession
) {
  let binary = inflated(input, isText: false, contexts, session)
  if case .success(let bytes) = binary {
    claim(bytes.count <= limits.messageBytesMax, "an inflated message has a limit")
  }
  // A context that is kept has seen the message now, and is another.
  guard !session.parameters.keepsContext else { return }
  claimEqual(binary, inflated(input, isText: false, contexts, session), "the message once more")
  let text = inflated(input, isText: true, contexts, session)
  switch (binary, text) {
  case (.success(let bytes), .success(let text)):
    claimEqual(bytes, text, "the message as text")
    claim(String(validating: bytes, as: UTF8.self) != nil, "text is UTF-8")
  case (.success(let bytes), .failure(let error)):
    claim(error == .invalidUTF8, "a text fails for its characters: \(error)")
    claim(String(validating: bytes, as: UTF8.self) == nil, "UTF-8 is text")
  case (.failure, .success): fatalError("what is not deflated right is no text either")
  case (.failure, .failure): break
  }
}

private func checkDeflating(
  _ input: UnsafeRawBufferPointer, _ contexts: DeflateContexts, _ session: DeflateSession
) {
  let message = UnsafeRawBufferPointer(rebasing: input.prefix(limits.messageBytesMax))
  // A context that an input has broken is of no use to read with.
  guard !message.isEmpty, !session.parameters.keepsContext else { return }
  for _ in 0..<2 {
    var deflated: [UInt8] = []
    claim(contexts.deflate(message, for: session) { deflated = Array($0) }, "it can be deflated")
    let again = deflated.withUnsafeBytes { inflated($0, isText: false, contexts, session) }
    claimEqual(.success(Array(message)), again, "the message deflated and inflated")
  }
}

private func inflated(
  _ payload: UnsafeRawBufferPointer, isText: Bool, _ contexts: DeflateContexts,
  _ session: DeflateSession
) -> Result<[UInt8], ProtocolError> {
  var message: [UInt8] = []
  do throws(ProtocolError) {
    try contexts.inflate(payload, isText: isText, limits: limits, for: session) {
      message = Array($0)
    }
    return .success(message)
  } catch {
    return .failure(error)
  }
}
