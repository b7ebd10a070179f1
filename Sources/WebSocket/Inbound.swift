/// What a peer sent: a whole message, or a control frame.
///
/// The bytes are valid until the decoder is asked for the next, and not beyond its input.
@usableFromInline
package enum Inbound {
  /// Valid UTF-8.
  case text(UnsafeRawBufferPointer)
  case binary(UnsafeRawBufferPointer)
  /// A text or binary message as it was deflated, which is there only where that was agreed.
  case deflated(isText: Bool, UnsafeRawBufferPointer)
  case ping(UnsafeRawBufferPointer)
  case pong(UnsafeRawBufferPointer)
  /// The reason is valid UTF-8; without a code it is empty.
  case close(CloseCode?, reason: UnsafeRawBufferPointer)
}
