/// Why bytes are no frame. Behind one nothing that the peer sends has a meaning any more.
package enum FrameError: Error, Hashable, Sendable {
  case unknownCommand
  case malformedHeader
  case undefinedEscape
  case malformedContentLength
  case missingNUL
  case unexpectedBody
  case notUTF8
  case headTooLarge
  case tooManyHeaders
  case bodyTooLarge

  /// For the author of the client; holds nothing of what the client sent.
  package var message: String {
    switch self {
    case .unknownCommand: "unknown command"
    case .malformedHeader: "malformed header"
    case .undefinedEscape: "undefined escape in a header"
    case .malformedContentLength: "malformed content-length"
    case .missingNUL: "no NUL at the end of the body"
    case .unexpectedBody: "a body where none may be"
    case .notUTF8: "a header is not UTF-8"
    case .headTooLarge: "headers too large"
    case .tooManyHeaders: "too many headers"
    case .bodyTooLarge: "body too large"
    }
  }
}
