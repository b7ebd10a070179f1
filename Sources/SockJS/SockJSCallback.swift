import Bytes

/// The name of the client's function that a script of ours calls: 1 to 32 of `A-Za-z0-9_.-`.
///
/// It is written into a script as it is, so nothing else may ever get in here.
package struct SockJSCallback: Hashable, Sendable {
  package static let bytesMax = 32

  package let name: String

  /// Nil for anything but such a name.
  package init?(_ name: String) {
    guard (1...Self.bytesMax).contains(name.utf8.count), name.utf8.allSatisfy(Self.isAllowed) else {
      return nil
    }
    self.name = name
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_")
      || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
  }
}
