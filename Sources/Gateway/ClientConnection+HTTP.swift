import Bytes
import Forwarding
package import HTTP1
import Reactor
import WebSocket

/// What a connection keeps while it speaks HTTP.
final class HTTPStage {
  /// The trusted proxy at the other end: its requests say who they are from.
  let proxy: IPAddress?
  /// Whether the client of the current request has too many connections already.
  var isOverLimit = false
  var parser = RequestParser()
  /// The request whose end, or whose answer, is due.
  var current: RequestHead?
  /// Of the current request, if the application wants it.
  var body: [UInt8] = []
  var keepsBody = false
  /// How much more of it may come.
  var bodyBytesLeft = 0
  /// Whether the current request is with the application.
  var isWaiting = false
  /// Who answers the current request, if somebody wants to know when the client goes.
  var responder: (any Responder)?
  /// Writes the answer that has begun and not ended.
  var writer: ResponseWriter?
  /// Whether `stepDeadline` is that of a request, not of an idle connection.
  var isTimed = false
  /// Whether the peer has ended its side: the connection closes behind the answer.
  var isLast = false
  /// Input behind a request that is not answered yet, or behind answers that the peer does not
  /// read: at most one read of the socket, because nothing more is read meanwhile.
  var held: [UInt8] = []

  init(proxy: IPAddress?) { self.proxy = proxy }
}

// The connection as HTTP/1.1 (RFC 9112): requests are answered one after the other.
extension ClientConnection {
  func receiveRequests(_ input: UnsafeMutableRawBufferPointer) {
    guard let http else { return }
    let bytes = UnsafeRawBufferPointer(input)
    var offset = 0
    do throws(RequestError) {
      while phase == .requests {
        if http.isWaiting || hasManyAnswersPending {
          return hold(bytes[offset...], in: http)
        }
        guard
          let event = try http.parser.next(in: bytes, at: &offset, limits: worker.limits.request)
        else { break }
        switch event {
        case .head(let head): try receivedHead(head, http)
        case .body(let range):
          try receivedBody(UnsafeRawBufferPointer(rebasing: bytes[range]), http)
        case .end: receivedEnd(http)
        }
      }
    } catch {
      return refuse(error)
    }
    switch phase {
    case .requests: watchRequest(http)
    // The peer may send frames right behind its handshake.
    case .open: receiveFrames(UnsafeMutableRawBufferPointer(rebasing: input[offset...]))
    case .closing, .lingering, .closed: break
    }
  }

  private func receivedHead(_ head: RequestHead, _ http: HTTPStage) throws(RequestError) {
    worker.counters.requests += 1
    http.current = head
    if let proxy = http.proxy {
      identifyClient(behind: proxy, http)
    } else {
      http.current?.isSecure = worker.tls != nil
    }
    let wanted = head.hasBody ? worker.application.bodyBytesMax(of: head) : nil
    http.keepsBody = wanted != nil
    http.bodyBytesLeft = wanted ?? worker.limits.unwantedBodyBytesMax
    if case .contentLength(let length) = head.bodyFraming, length > http.bodyBytesLeft {
      throw .contentTooLarge
    }
    // The body has its own time.
    http.isTimed = false
    if head.expectsContinue { socket.write { ResponseWriter.writeContinue(to: &$0) } }
  }

  private func receivedBody(
    _ bytes: UnsafeRawBufferPointer, _ http: HTTPStage
  ) throws(RequestError) {
    guard bytes.count <= http.bodyBytesLeft else { throw .contentTooLarge }
    http.bodyBytesLeft -= bytes.count
    if http.keepsBody { http.body.append(contentsOf: bytes) }
  }

  private func receivedEnd(_ http: HTTPStage) {
    guard let request = http.current else { return }
    http.isWaiting = true
    var body: [UInt8] = []
    swap(&body, &http.body)
    guard !http.isOverLimit else { return respond(.tooManyConnections) }
    switch worker.application.answer(request, body: body, on: self) {
    case .respond(let response): respond(response)
    case .respondLater: clearStepDeadline()
    case .handOver(let responder):
      // It may have answered already.
      guard http.isWaiting else { return }
      clearStepDeadline()
      http.responder = responder
    case .webSocket(let subprotocols, let session): upgrade(request, subprotocols, session)
    }
  }

  /// Answers the request that the application was asked about.
  ///
  /// - Parameter staysWhenStopping: the client is to come again on this connection, also while the
  ///   worker takes no other.
  package func respond(_ response: Response, staysWhenStopping: Bool = false) {
    guard phase == .requests, let http, let request = http.current, http.isWaiting else { return }
    var writer = ResponseWriter(answering: request)
    if http.isLast || !worker.isListening && !staysWhenStopping { writer.keepsAlive = false }
    write(response, writer)
    answered(http, keepsAlive: writer.keepsAlive)
  }

  private func answered(_ http: HTTPStage, keepsAlive: Bool) {
    http.current = nil
    http.isWaiting = false
    http.responder = nil
    http.writer = nil
    // The client may end its side now: it still reads the answer.
    if !socket.isReading { socket.setReading(false) }
    // What was held is looked at when the answer has gone out.
    if keepsAlive { watchRequest(http) } else { linger() }
  }

  // MARK: Answers in pieces

  /// Begins an answer of unknown length to the request that the application was asked about.
  /// `staysWhenStopping` as for `respond(_:staysWhenStopping:)`.
  package func beginResponse(
    _ status: Status, _ fields: [ResponseField], staysWhenStopping: Bool = false
  ) {
    guard phase == .requests, let http, let request = http.current, http.isWaiting else { return }
    precondition(http.writer == nil, "an answer that has begun already")
    var writer = ResponseWriter(answering: request)
    if !worker.isListening && !staysWhenStopping { writer.keepsAlive = false }
    socket.write { writer.beginChunks(status, [worker.dateField] + fields, to: &$0) }
    http.writer = writer
  }

  /// Adds to an answer that has begun: one chunk, which arrives as such.
  package func write(chunk: UnsafeRawBufferPointer) {
    guard phase == .requests, let writer = http?.writer else { return }
    socket.write { writer.writeChunk(chunk, to: &$0) }
  }

  /// Ends an answer that has begun.
  package func endResponse() {
    guard phase == .requests, let http, let writer = http.writer else { return }
    socket.write { writer.endChunks(to: &$0) }
    answered(http, keepsAlive: writer.keepsAlive)
  }

  /// Goes on with input that waited for an answer to go out.
  func resumeRequests() {
    guard let http, !http.isWaiting, !http.held.isEmpty else { return }
    var held: [UInt8] = []
    swap(&held, &http.held)
    socket.setReading(true)
    held.withUnsafeMutableBytes { receiveRequests($0) }
  }

  private func hold(_ input: Slice<UnsafeRawBufferPointer>, in http: HTTPStage) {
    guard !input.isEmpty else { return }
    http.held.append(contentsOf: input)
    // A responder wants to know when the client goes, whatever lies before that.
    socket.setReading(false, noticingEnd: http.responder != nil)
  }

  /// Counts what this turn has answered too, which one read of many small requests makes large.
  private var hasManyAnswersPending: Bool {
    isCongested || socket.pendingBytes > worker.limits.pendingBytesHigh
  }

  private func write(_ response: Response, _ writer: ResponseWriter) {
    var body = response.body
    body.withUTF8 { body in
      socket.write {
        writer.write(
          response.status, [worker.dateField] + response.fields,
          body: UnsafeRawBufferPointer(body), to: &$0)
      }
    }
  }

  // MARK: The handshake

  private func upgrade(
    _ request: RequestHead, _ subprotocols: [String], _ session: SockJSSocket?
  ) {
    guard worker.admitsSession(of: limitedAddress) else { return respond(.tooManyConnections) }
    let handshake: Handshake
    do throws(HandshakeError) {
      handshake = try Handshake(
        request, origins: worker.origins, subprotocols: subprotocols,
        compression: worker.deflate?.policyNow)
    } catch {
      return respond(.plain(error.status, fields: error.fields))
    }
    worker.counters.upgrades += 1
    socket.write { handshake.writeResponse(to: &$0) }
    startWebSocket(carrying: session, handshake.compression)
    worker.log.opened(clientAddress)
    if let session {
      session.opened(on: self, request: request)
    } else {
      worker.application.opened(self, request: request)
    }
  }

  // MARK: Bad and slow requests

  private func refuse(_ error: RequestError) {
    worker.counters.badRequests += 1
    write(.plain(error.status, fields: error.fields), ResponseWriter())
    linger()
  }

  /// A request has `requestTime` from its first byte, however slowly it drips; between requests
  /// the connection may stay for `keepAliveTime`.
  private func watchRequest(_ http: HTTPStage) {
    guard !http.isWaiting else { return }
    if !http.parser.isMidway {
      http.isTimed = false
      setStepDeadline(worker.limits.keepAliveTime)
    } else if !http.isTimed {
      http.isTimed = true
      setStepDeadline(worker.limits.requestTime)
    }
  }

  func requestTimedOut() {
    guard let http, http.parser.isMidway else { return end() }
    worker.counters.badRequests += 1
    write(.plain(.requestTimeout), ResponseWriter())
    linger()
  }
}
