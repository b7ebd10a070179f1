import Bytes
import Reactor
import TestServers

@testable import TLS

/// What all tests here show to one another.
enum Certificates {
  static let all = try! TestCertificates()
  static let localhost = try! all.make("localhost")
}

extension TLSContext {
  static func server(_ pair: TestCertificates.Pair) throws -> TLSContext {
    try TLSContext(certificate: pair.certificate, key: pair.key, tickets: TicketKeys())
  }

  static func client() throws -> TLSContext {
    try TLSContext(trusting: .file(Certificates.all.authority))
  }
}

/// One side of a connection in memory, with what it received and what it has to send.
final class Side {
  let session: TLSSession
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false
  private(set) var failure: String?
  /// Sealed, and not yet with the other side.
  var outgoing: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: StreamLayer.sealedStart + 256 * 1024)

  init(_ session: TLSSession) { self.session = session }

  private func collect<Result>(_ body: (inout ByteBuffer) -> Result) -> Result {
    var sealed = ByteBuffer()
    defer { outgoing += Array(sealed.bytes) }
    return body(&sealed)
  }

  func start() { collect { session.start(&$0) } }

  func finish() { collect { session.finish(&$0) } }

  func send(_ bytes: [UInt8]) -> String? {
    collect { sealed in bytes.withUnsafeBytes { session.seal($0, into: &sealed)?.description } }
  }

  /// Takes bytes of the other side in one read.
  func receive(_ bytes: some Collection<UInt8>) {
    let start = StreamLayer.sealedStart
    buffer.replaceSubrange(start..<start + bytes.count, with: bytes)
    let opened = buffer.withUnsafeMutableBytes { buffer in
      let input = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(start + bytes.count)])
      return collect { session.open(input, from: start, sealed: &$0) }
    }
    received += buffer[..<opened.count]
    switch opened.state {
    case .open: break
    case .ended: hasEnded = true
    case .failed(let reason): failure = reason.description
    }
  }
}

/// A client and a server whose bytes the test carries.
struct Conversation {
  let client: Side
  let server: Side

  init(
    server: TLSContext? = nil, client: TLSContext? = nil, host: String = "localhost"
  ) throws {
    self.client = Side(TLSSession(client: try client ?? .client(), host: host)!)
    self.server = Side(TLSSession(server: try server ?? .server(Certificates.localhost))!)
  }

  /// Carries bytes until nobody has any, `step` at a time.
  func carry(step: Int = .max) {
    while !client.outgoing.isEmpty || !server.outgoing.isEmpty {
      Self.carry(from: client, to: server, step)
      Self.carry(from: server, to: client, step)
    }
  }

  private static func carry(from sender: Side, to receiver: Side, _ step: Int) {
    let bytes = sender.outgoing
    sender.outgoing = []
    var rest = bytes[...]
    while !rest.isEmpty {
      receiver.receive(rest.prefix(min(step, 128 * 1024)))
      rest = rest.dropFirst(min(step, 128 * 1024))
    }
  }

  /// Has both shake hands.
  func begin(step: Int = .max) {
    client.start()
    carry(step: step)
  }
}
