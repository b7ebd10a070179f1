import Testing

@testable import WebSocket

@Suite struct CloseHandshakeTests {
  @Test func `echoes the code of a peer that closes first`() {
    var handshake = CloseHandshake()
    #expect(handshake.receivedClose(CloseCode(4001)) == .replyThenEnd(CloseCode(4001)))
    #expect(!handshake.isOpen)
    #expect(handshake.close(with: .normal) == .nothing)
    var silent = CloseHandshake()
    #expect(silent.receivedClose(nil) == .replyThenEnd(nil))
  }

  @Test func `ends with the reply when it closes first`() {
    var handshake = CloseHandshake()
    #expect(handshake.close(with: .goingAway) == .sendClose(.goingAway))
    #expect(handshake.close(with: .normal) == .nothing)
    #expect(!handshake.isOpen)
    #expect(handshake.receivedClose(.goingAway) == .end)
    #expect(handshake.receivedClose(.normal) == .end)
  }

  @Test func `sends one close frame when the peer breaks the protocol`() {
    var open = CloseHandshake()
    #expect(open.fail(with: .invalidUTF8) == .sendCloseThenEnd(.invalidPayload))
    #expect(open.fail(with: .invalidUTF8) == .end)
    var closing = CloseHandshake()
    _ = closing.close(with: .normal)
    #expect(closing.fail(with: .reservedBits) == .end)
  }
}
