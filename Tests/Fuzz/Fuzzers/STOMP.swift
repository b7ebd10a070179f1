import Bytes
import STOMP

/// A client's frames: the same however they are cut, and a session that asks for the same. What is
/// answered has the client's words in it and yet just the headers that it was given.
func fuzzSTOMP(_ input: UnsafeRawBufferPointer) {
  for version in Version.allCases {
    _ = Cuts(of: input).claimSameAccount { FrameReader(version) }
  }
}

private struct FrameReader: StreamReader {
  struct Item: Equatable {
    let command: ClientCommand
    let destination: String?
    let receipt: String?
    let body: [UInt8]
    let outcome: String
  }

  struct Account: Equatable {
    var items: [Item] = []
    var error: FrameError?
    var isMidway = false
  }

  /// Small, so that inputs of a few hundred bytes reach them.
  private static let frameLimits = {
    var limits = FrameLimits()
    limits.headBytesMax = 256
    limits.subscribeHeadBytesMax = 384
    limits.headersMax = 8
    limits.bodyBytesMax = 128
    return limits
  }()
  private static let sessionLimits = {
    var limits = SessionLimits()
    limits.subscriptionsMax = 3
    limits.transactionsMax = 2
    limits.heldFramesMax = 3
    limits.heldBytesMax = 256
    limits.unacknowledgedMax = 4
    limits.nameBytesMax = 16
    limits.destinationBytesMax = 32
    return limits
  }()

  private var decoder = FrameDecoder(limits: frameLimits)
  private var session = ServerSession(limits: sessionLimits)
  private(set) var account = Account()

  /// - Parameter version: what frames are read as until the client has said which it speaks.
  init(_ version: Version) { decoder.version = version }

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var offset = 0
    do throws(FrameError) {
      while let frame = try decoder.next(in: UnsafeRawBufferPointer(read), at: &offset) {
        let outcome = take(frame)
        account.items.append(
          Item(
            command: frame.command, destination: frame.headers["destination"],
            receipt: frame.receipt, body: Array(frame.body), outcome: outcome))
      }
      claim(offset == read.count, "the input is used up")
      account.isMidway = decoder.isMidway
      return true
    } catch {
      account.error = error
      account.isMidway = false
      return false
    }
  }

  private mutating func take(_ frame: Frame) -> String {
    claim(frame.command == .send || frame.body.isEmpty, "only SEND has a body")
    claim(frame.body.count <= Self.frameLimits.bodyBytesMax, "a body has a limit")
    do throws(SessionError) {
      switch try session.received(frame) {
      case .connect(let connect):
        decoder.version = connect.version
        checkAnswer { buffer in
          buffer.append(
            Connected(
              version: connect.version, heartBeat: connect.heartBeat, session: "s", user: "alice"))
        }
        return "connect \(connect.version) \(connect.heartBeat)"
      case .send(let destination, let frame):
        return "send \(destination) \(frame.body.count)"
      case .subscribe(let destination, _):
        try session.deliver(to: destination) { [version = session.version] delivery in
          checkAnswer { buffer in
            buffer.appendMessage(
              delivery, receipt: frame.receipt, json: frame.body, version)
          }
        }
        return "subscribe \(destination)"
      case .commit(let frames, let receipt):
        let bodies = frames.map { $0.withFrame { Array($0.body) } }
        return "commit \(bodies) \(receipt ?? "-")"
      case .disconnect(let receipt):
        return "disconnect \(receipt ?? "-")"
      case .done(let receipt):
        if let receipt {
          checkAnswer { [version = session.version] in $0.appendReceipt(receipt, version) }
        }
        return "done \(receipt ?? "-")"
      }
    } catch {
      checkAnswer { [version = session.version] buffer in
        buffer.appendError(error.message, receipt: error.receipt, version)
      }
      return error.message
    }
  }
}

/// Claims that a server's frame is one: a head of lines with a colon in each, and one NUL behind.
private func checkAnswer(_ write: (inout ByteBuffer) -> Void) {
  var buffer = ByteBuffer()
  write(&buffer)
  let lines = buffer.bytes.split(
    separator: ASCII.lineFeed, maxSplits: 16, omittingEmptySubsequences: false)
  claim(buffer.bytes.last == 0, "a frame ends with NUL")
  guard let end = lines.firstIndex(where: \.isEmpty) else { fatalError("a head has an end") }
  claim(end <= 8, "nothing that a client wrote becomes a header")
  for line in lines[1..<end] {
    claim(line.contains(UInt8(ascii: ":")) && !line.contains(0), "a header has a name and a value")
  }
}
