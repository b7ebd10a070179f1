/// How the messages of a loop's connections are compressed, and what that may cost.
///
/// By default nothing is remembered from one message to the next in either direction, so a
/// connection costs no memory for it: the loop has one inflater, and one deflater for each window.
package struct CompressionPolicy: Equatable, Sendable {
  /// Messages below this go as they are: the header of a block and the time outweigh the gain. With
  /// 0 every message with a byte in it is deflated, even where that makes it longer.
  package var messageBytesMin = 256
  /// zlib's, from 1 (fast) to 9 (small).
  package var level = 1
  /// Of the largest window that the loop's deflaters use: 9 to 15.
  package var windowBitsMax = 15

  /// Connections that may keep their contexts between messages. It makes small messages that
  /// resemble one another far smaller, for about 45 KiB of memory each.
  package var contextsMax = 0
  /// Of the windows of such a context: 9 to 15.
  package var contextWindowBits = 12

  package init(contextsMax: Int = 0) { self.contextsMax = contextsMax }

  /// zlib's memory level of a context that a connection keeps: 16 KiB besides the window.
  static var contextMemoryLevel: Int { 5 }
  /// That of a deflater that all connections use: 128 KiB besides the window.
  static var sharedMemoryLevel: Int { 8 }
}
