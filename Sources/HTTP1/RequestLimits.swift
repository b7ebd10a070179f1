/// What a request may cost before it is refused.
package struct RequestLimits: Sendable {
  /// The longest request line, without its end; beyond it 414.
  package var requestLineBytesMax = 8 * 1024
  /// Request line and header fields together; beyond it 431. Trailers count anew.
  package var headBytesMax = 16 * 1024
  /// Header lines, without the request line; beyond it 431.
  package var headerLinesMax = 100
  /// The decoded body; beyond it 413.
  package var bodyBytesMax = 1024 * 1024

  package init() {}
}
