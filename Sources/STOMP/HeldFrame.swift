/// A copy of a frame, for one that waits in a transaction.
package struct HeldFrame: Sendable {
  let command: ClientCommand
  private let style: HeaderStyle
  /// The headers, and the body behind them.
  private let bytes: [UInt8]
  private let headersCount: Int

  init(_ frame: Frame) {
    command = frame.command
    style = frame.headers.style
    headersCount = frame.headers.lines.count
    bytes = Array(frame.headers.lines) + Array(frame.body)
  }

  package var count: Int { bytes.count }

  /// The frame is valid within `use` only.
  package func withFrame<Result>(_ use: (Frame) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      use(
        Frame(
          command: command,
          headers: FrameHeaders(
            UnsafeRawBufferPointer(rebasing: bytes[..<headersCount]), style: style),
          body: UnsafeRawBufferPointer(rebasing: bytes[headersCount...])))
    }
  }
}
