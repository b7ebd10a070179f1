/// What a sender wrote, in one allocation that all copies share: the `id` of the request, the
/// sender's own id of the message, and the body, one behind the other.
///
/// A message is parsed, stored, acknowledged and delivered with no other allocation than this one.
package struct MessageContent: Sendable {
  private let bytes: [UInt8]
  private let requestIDCount: UInt32
  private let clientIDCount: UInt32

  /// - Parameters:
  ///   - requestID: the `id` as it was written, empty when there was none.
  ///   - clientID: UTF-8; 1 to 64 bytes in chat.v1.
  ///   - body: the JSON object as it was written.
  package init(
    requestID: UnsafeRawBufferPointer, clientID: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer
  ) {
    requestIDCount = UInt32(requestID.count)
    clientIDCount = UInt32(clientID.count)
    let count = requestID.count + clientID.count + body.count
    bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      let target = UnsafeMutableRawBufferPointer(buffer)
      func append(_ part: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: target[initializedCount...]).copyMemory(from: part)
        initializedCount += part.count
      }
      append(requestID)
      append(clientID)
      append(body)
    }
  }

  package init(requestID: RequestID? = nil, clientID: String, body: [UInt8]) {
    var (requestID, clientID) = (requestID?.json ?? "", clientID)
    self = requestID.withUTF8 { requestID in
      clientID.withUTF8 { clientID in
        body.withUnsafeBytes { body in
          MessageContent(
            requestID: UnsafeRawBufferPointer(requestID),
            clientID: UnsafeRawBufferPointer(clientID), body: body)
        }
      }
    }
  }

  // MARK: Parts

  package var bodyCount: Int { bytes.count - bodyStart }

  /// Copies; for what is not done per message.
  package var requestID: RequestID? {
    guard requestIDCount > 0 else { return nil }
    return RequestID(json: withRequestID { String(decoding: $0, as: UTF8.self) })
  }

  /// Copies, like `requestID`.
  package var clientID: String { withClientID { String(decoding: $0, as: UTF8.self) } }

  /// Copies, like `requestID`.
  package var body: [UInt8] { Array(bytes[bodyStart...]) }

  /// The bytes are valid within `use` only, here and below. Empty when there was no `id`.
  package func withRequestID<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
    with(0..<Int(requestIDCount), use)
  }

  package func withClientID<Result, Failure: Error>(
    _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try with(Int(requestIDCount)..<bodyStart, use)
  }

  package func withBody<Result, Failure: Error>(
    _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try with(bodyStart..<bytes.count, use)
  }

  private var bodyStart: Int { Int(requestIDCount) + Int(clientIDCount) }

  @inline(__always)
  private func with<Result, Failure: Error>(
    _ range: Range<Int>, _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withUnsafeBufferPointer { (all) throws(Failure) in
      try use(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[range])))
    }
  }
}

/// Equal when client id and body are: by which `id` a message was sent is no part of it.
extension MessageContent: Hashable {
  package static func == (left: MessageContent, right: MessageContent) -> Bool {
    left.clientIDCount == right.clientIDCount
      && left.bytes[Int(left.requestIDCount)...] == right.bytes[Int(right.requestIDCount)...]
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(clientIDCount)
    hasher.combine(bytes[Int(requestIDCount)...])
  }
}
