import Bytes

/// How the headers of a frame are written, which depends on the version.
package enum HeaderStyle: Sendable {
  /// STOMP 1.0: no escapes, and blanks around names and values mean nothing.
  case plain
  /// `CONNECT`: without escapes in each version, and from a client whose line ends are not known.
  case connect
  /// STOMP 1.1: `\n`, `\c` and `\\`.
  case escaped
  /// STOMP 1.2: also `\r`, and lines may end with a carriage return and a line feed.
  case escapedWithReturns

  init(of command: ClientCommand, in version: Version) {
    if command.isConnect {
      self = .connect
      return
    }
    switch version {
    case .v10: self = .plain
    case .v11: self = .escaped
    case .v12: self = .escapedWithReturns
    }
  }

  var hasEscapes: Bool { self == .escaped || self == .escapedWithReturns }

  var allowsReturns: Bool { self == .connect || self == .escapedWithReturns }

  /// What the letter behind a backslash stands for; nil where it is not defined, which is a fatal
  /// error (STOMP 1.2, value encoding).
  func meaning(ofEscape letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "n"): ASCII.lineFeed
    case UInt8(ascii: "c"): UInt8(ascii: ":")
    case UInt8(ascii: "\\"): UInt8(ascii: "\\")
    case UInt8(ascii: "r") where self == .escapedWithReturns: ASCII.carriageReturn
    default: nil
    }
  }

  /// Checks one line, which is not empty and holds no NUL.
  func check(_ line: UnsafeRawBufferPointer) throws(FrameError) {
    guard line.contains(UInt8(ascii: ":")), line.first != UInt8(ascii: ":"), !line.contains(0)
    else {
      throw .malformedHeader
    }
    guard UTF8Validator.isValid(line) else { throw .notUTF8 }
    guard hasEscapes else { return }
    if self == .escapedWithReturns, line.contains(ASCII.carriageReturn) { throw .malformedHeader }
    var rest = line[...]
    while let backslash = rest.firstIndex(of: UInt8(ascii: "\\")) {
      rest = rest[(backslash + 1)...]
      guard let letter = rest.popFirst(), meaning(ofEscape: letter) != nil else {
        throw .undefinedEscape
      }
    }
  }
}
