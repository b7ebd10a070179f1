import JSON

/// What a frame from a client that is no `Command` gets: the `error` frame to answer with.
package struct CommandError: Error, Hashable, Sendable {
  package var code: ErrorCode
  /// For the client's author; never holds what the client sent.
  package var message: String
  /// The frame's `id`, as far as it could be read.
  package var id: RequestID?
  /// Whether the frame was no JSON object at all; a client that sends many such is closed.
  package var isMalformed: Bool

  package init(
    _ code: ErrorCode, _ message: String, id: RequestID? = nil, isMalformed: Bool = false
  ) {
    self.code = code
    self.message = message
    self.id = id
    self.isMalformed = isMalformed
  }
}

extension JSONError {
  var message: String {
    switch self {
    case .malformed: "the frame is not well-formed JSON"
    case .tooDeep: "the frame is nested deeper than \(JSONScanner.depthMax) levels"
    case .numberOutOfRange: "a number is out of range"
    case .duplicateKey: "a key is given twice in one object"
    }
  }
}
