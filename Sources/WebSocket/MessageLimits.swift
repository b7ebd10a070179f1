/// What a message may cost before its sender is cut off.
@usableFromInline
package struct MessageLimits: Sendable {
  /// A message's payload, all fragments together; beyond it 1009.
  @usableFromInline package var messageBytesMax: Int
  /// Frames of one message; beyond it 1008.
  @usableFromInline package var fragmentsMax: Int

  /// The payload of a compressed message, before it is inflated: what cannot be compressed becomes
  /// longer, in zlib's smallest blocks by a hundredth.
  var deflatedBytesMax: Int { messageBytesMax + messageBytesMax / 64 + 64 }

  package init(messageBytesMax: Int = 64 * 1024, fragmentsMax: Int = 128) {
    self.messageBytesMax = messageBytesMax
    self.fragmentsMax = fragmentsMax
  }
}
