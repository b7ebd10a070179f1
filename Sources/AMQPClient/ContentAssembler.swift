/// Puts the frames of a message together: its method, its header, its body in pieces.
package struct ContentAssembler {
  package enum Kind: Hashable {
    case delivery(tag: UInt64, routingKey: String)
    case returned(code: UInt16, routingKey: String)
  }

  private enum State {
    case idle
    case awaitingHeader(Kind)
    case awaitingBody(Kind, left: Int)
  }

  private let bodyBytesMax: Int
  private var state = State.idle
  private var body: [UInt8] = []

  package init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }

  package var isIdle: Bool {
    if case .idle = state { true } else { false }
  }

  package mutating func begin(_ kind: Kind) throws(AMQPFailure) {
    guard isIdle else { throw AMQPFailure(.badFrame, "a message inside another") }
    state = .awaitingHeader(kind)
  }

  /// Takes the header; gives the message's kind when it has no body.
  package mutating func header(bodyBytes: UInt64) throws(AMQPFailure) -> Kind? {
    guard case .awaitingHeader(let kind) = state else {
      throw AMQPFailure(.badFrame, "unexpected content header")
    }
    guard let count = Int(exactly: bodyBytes), count <= bodyBytesMax else {
      throw AMQPFailure(.badFrame, "a body of \(bodyBytes) bytes")
    }
    state = count == 0 ? .idle : .awaitingBody(kind, left: count)
    return count == 0 ? kind : nil
  }

  /// Takes a piece of the body. With the last one, gives the message's kind and its whole body, or
  /// nil for the body when the piece is all of it.
  package mutating func append(
    _ fragment: UnsafeRawBufferPointer
  ) throws(AMQPFailure) -> (kind: Kind, body: [UInt8]?)? {
    guard case .awaitingBody(let kind, let left) = state, fragment.count <= left else {
      throw AMQPFailure(.badFrame, "unexpected content body")
    }
    let isWhole = body.isEmpty && fragment.count == left
    if !isWhole { body.append(contentsOf: fragment) }
    guard fragment.count == left else {
      state = .awaitingBody(kind, left: left - fragment.count)
      return nil
    }
    state = .idle
    defer { body = [] }
    return (kind, isWhole ? nil : body)
  }
}
