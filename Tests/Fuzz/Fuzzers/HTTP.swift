import HTTP1
import WebSocket

/// Requests of one connection: the same however they are cut, within the limits, and with a path
/// that leads nowhere but down.
func fuzzHTTP(_ input: UnsafeRawBufferPointer) {
  _ = Cuts(of: input).claimSameAccount { RequestReader() }
}

/// A server's answer, as the client of the load generator reads it.
func fuzzHTTPResponse(_ input: UnsafeRawBufferPointer) {
  _ = Cuts(of: input).claimSameAccount { ResponseReader() }
  _ = Cuts(of: input).claimSameAccount { ClientHandshakeReader() }
}

private struct RequestReader: StreamReader {
  struct Request: Equatable {
    let method: Method
    let path: [UInt8]
    let query: [UInt8]?
    let host: String
    let framing: RequestHead.BodyFraming
    let isHTTP11: Bool
    let keepsAlive: Bool
    let expectsContinue: Bool
    let fieldCount: Int
    var body: [UInt8] = []
    var isWhole = false

    init(_ head: RequestHead) {
      method = head.method
      path = head.target.path
      query = head.target.query
      host = head.host
      framing = head.bodyFraming
      isHTTP11 = head.version == .http11
      keepsAlive = head.keepsAlive
      expectsContinue = head.expectsContinue
      fieldCount = head.headers.count
    }
  }

  struct Account: Equatable {
    var requests: [Request] = []
    var error: RequestError?
    var isMidway = false
  }

  /// Small, so that inputs of a few hundred bytes reach them.
  private static let limits = {
    var limits = RequestLimits()
    limits.requestLineBytesMax = 128
    limits.headBytesMax = 512
    limits.headerLinesMax = 12
    limits.bodyBytesMax = 256
    return limits
  }()

  private static let origins = Set([Origin("https://chat.example.com")].compactMap(\.self))

  private var parser = RequestParser()
  private(set) var account = Account()

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    let read = UnsafeRawBufferPointer(read)
    var offset = 0
    do throws(RequestError) {
      while let event = try parser.next(in: read, at: &offset, limits: Self.limits) {
        take(event, in: read)
      }
      claim(offset == read.count, "the input is used up")
      account.isMidway = parser.isMidway
      return true
    } catch {
      claim(error.status.code >= 400, "a request that is refused gets an error")
      account.error = error
      account.isMidway = false
      return false
    }
  }

  private mutating func take(_ event: RequestEvent, in read: UnsafeRawBufferPointer) {
    switch event {
    case .head(let head):
      claim(account.requests.last?.isWhole ?? true, "a request ends before the next begins")
      checkParts(of: head)
      account.requests.append(Request(head))
    case .body(let range):
      let last = account.requests.count - 1
      account.requests[last].body.append(contentsOf: read[range])
      claim(
        account.requests[last].body.count <= Self.limits.bodyBytesMax, "the body has a limit")
    case .end:
      account.requests[account.requests.count - 1].isWhole = true
    }
  }

  /// Reads what the routes read of a request.
  private func checkParts(of head: RequestHead) {
    if let path = head.target.decodedPath {
      claim(!path.split(separator: "/").contains(".."), "a path that leads up is none")
      claim(!path.utf8.contains(0), "a path holds no NUL")
    }
    _ = head.target.parameter("user")
    claim(head.headers.count <= Self.limits.headerLinesMax, "the header lines have a limit")
    let handshake = try? Handshake(
      head, origins: .only(Self.origins), subprotocols: ["chat.v1"],
      compression: CompressionPolicy(contextsMax: 1))
    guard let handshake else { return }
    claim(head.bodyFraming == .none, "frames follow right behind an upgrade")
    if let compression = handshake.compression {
      claim(9...15 ~= compression.serverWindowBits, "zlib deflates with such a window")
      claim(8...15 ~= compression.clientWindowBits, "a window is as RFC 7692 has it")
    }
  }
}

private struct ResponseReader: StreamReader {
  struct Account: Equatable {
    var statusCodes: [UInt16] = []
    var fieldCounts: [Int] = []
    var isMalformed = false
  }

  private var parser = ResponseHeadParser()
  private(set) var account = Account()

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var offset = 0
    do throws(MalformedResponse) {
      while let head = try parser.next(in: UnsafeRawBufferPointer(read), at: &offset) {
        claim(100...999 ~= head.statusCode, "a status code has three digits")
        account.statusCodes.append(head.statusCode)
        account.fieldCounts.append(head.headers.count)
      }
      claim(offset == read.count, "the input is used up")
      return true
    } catch {
      account.isMalformed = true
      return false
    }
  }
}

private struct ClientHandshakeReader: StreamReader {
  enum Account: Equatable {
    case waiting
    case accepted(ClientHandshake.Accepted)
    case refused(ClientHandshakeError)
  }

  /// The key of RFC 6455, section 1.3, so that its answer there is the right one here.
  private var handshake = ClientHandshake(
    host: "server.example.com", target: "/chat", subprotocols: ["chat.v1"],
    nonce: Array("the sample nonce".utf8))
  private(set) var account = Account.waiting

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var offset = 0
    do throws(ClientHandshakeError) {
      guard let accepted = try handshake.receive(UnsafeRawBufferPointer(read), at: &offset) else {
        claim(offset == read.count, "the input is used up")
        return true
      }
      account = .accepted(accepted)
    } catch {
      account = .refused(error)
    }
    return false
  }
}
