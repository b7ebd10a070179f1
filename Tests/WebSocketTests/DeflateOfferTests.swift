import Bytes
import HTTP1
import Testing

@testable import WebSocket

@Suite struct DeflateOfferTests {
  private func headers(_ lines: [String]) throws -> Headers {
    let fields = lines.map { "Sec-WebSocket-Extensions: \($0)\r\n" }
    return try HandshakeTests.head(more: fields.joined()).headers
  }

  /// What the server answers; nil where it agrees to no compression.
  private func answer(_ lines: String..., policy: CompressionPolicy = .init()) throws -> String? {
    DeflateParameters(offers: DeflateOffer.all(in: try headers(lines)), policy: policy)?.fieldValue
  }

  private static let stateless =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

  @Test(arguments: [
    ("permessage-deflate", stateless),
    ("PerMessage-Deflate", stateless),
    ("permessage-deflate; client_max_window_bits", stateless),
    ("permessage-deflate;client_max_window_bits=8", stateless),
    ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", stateless),
    (
      "permessage-deflate; server_max_window_bits=10", "\(stateless); server_max_window_bits=10"
    ),
    (
      "permessage-deflate ;\tserver_max_window_bits = \"9\"",
      "\(stateless); server_max_window_bits=9"
    ),
    (
      "permessage-deflate; server_max_window_bits=15", "\(stateless); server_max_window_bits=15"
    ),
    ("x-webkit-deflate-frame, permessage-deflate", stateless),
    ("permessage-deflate; unknown, permessage-deflate", stateless),
    (
      "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9",
      "\(stateless); server_max_window_bits=9"
    ),
  ])
  func `agrees to the first offer that it can keep to`(offer: String, expected: String) throws {
    #expect(try answer(offer) == expected)
  }

  @Test func `reads offers that come in several fields`() throws {
    #expect(
      try answer("permessage-deflate; server_max_window_bits=8", "permessage-deflate")
        == Self.stateless)
    #expect(try answer() == nil)
  }

  @Test(arguments: [
    "", "deflate-frame", "permessage-deflate2", "permessage-deflate;",
    "permessage-deflate; ; client_max_window_bits", "permessage-deflate; mux=1",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; server_no_context_takeover=",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=9; SERVER_MAX_WINDOW_BITS=9",
    "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=",
    "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; server_max_window_bits=+9",
    "permessage-deflate; server_max_window_bits=-9",
    "permessage-deflate; server_max_window_bits=9x",
    "permessage-deflate; server_max_window_bits=\"\"",
    "permessage-deflate; server_max_window_bits=\"9",
    "permessage-deflate; server_max_window_bits=99999999999999999999",
    "permessage-deflate; client_max_window_bits=", "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    // zlib deflates with 512 bytes and more only.
    "permessage-deflate; server_max_window_bits=8",
  ])
  func `declines what it must and what it cannot do`(offer: String) throws {
    #expect(try answer(offer) == nil)
  }

  private static let keeping = CompressionPolicy(contextsMax: 1)

  @Test(arguments: [
    (
      "; client_max_window_bits",
      "; server_max_window_bits=12; client_max_window_bits=12"
    ),
    (
      "; client_max_window_bits=9; server_max_window_bits=10",
      "; server_max_window_bits=10; client_max_window_bits=9"
    ),
    (
      "; server_no_context_takeover; client_max_window_bits",
      "; server_no_context_takeover; client_max_window_bits=12"
    ),
    (
      "; client_no_context_takeover; client_max_window_bits",
      "; client_no_context_takeover; server_max_window_bits=12"
    ),
    // It would need a window of 32 KiB for a client that cannot be told to use less.
    ("", "; client_no_context_takeover; server_max_window_bits=12"),
  ])
  func `keeps contexts where it may, in windows of its choice`(
    offer: String, expected: String
  ) throws {
    let found = try answer("permessage-deflate\(offer)", policy: Self.keeping)
    #expect(found == "permessage-deflate\(expected)")
  }

  @Test func `keeps the context of any client where its own window is as large`() throws {
    var policy = Self.keeping
    policy.contextWindowBits = 15
    #expect(try answer("permessage-deflate", policy: policy) == "permessage-deflate")
  }

  @Test func `keeps no more contexts than there are places for`() {
    let contexts = DeflateContexts(policy: CompressionPolicy(contextsMax: 2))
    let offer = DeflateOffer(Array("permessage-deflate; client_max_window_bits".utf8)[...])!
    func session() -> DeflateSession {
      contexts.session(DeflateParameters(offers: [offer], policy: contexts.policyNow)!)
    }
    var sessions = [session(), session(), session(), session()]
    #expect(sessions.map(\.parameters.keepsContext) == [true, true, false, false])
    #expect(sessions[2] === sessions[3], "what keeps nothing is shared")
    sessions.removeFirst()
    #expect(session().parameters.keepsContext)
  }

  @Test func `answers a handshake with what was agreed, and only then`() throws {
    for (isOn, isOffered) in [(true, true), (true, false), (false, true)] {
      let offer = isOffered ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : ""
      let handshake = try Handshake(
        HandshakeTests.head(more: offer), origins: .any,
        compression: isOn ? CompressionPolicy() : nil)
      let isAgreed = isOn && isOffered
      #expect((handshake.compression != nil) == isAgreed)
      var buffer = ByteBuffer()
      handshake.writeResponse(to: &buffer)
      let response = String(decoding: buffer.bytes, as: UTF8.self)
      #expect(
        response.contains("\r\nSec-WebSocket-Extensions: \(Self.stateless)\r\n") == isAgreed)
      #expect(response.contains("Sec-WebSocket-Extensions") == isAgreed)
    }
  }
}
