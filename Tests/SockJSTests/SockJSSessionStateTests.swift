import Bytes
import SockJS
import Testing

/// A session, and what its owner does with it.
private final class Owner {
  var session: SockJSSessionState

  init(_ receiver: SockJSReceiver, limits: SockJSLimits = SockJSLimits()) {
    session = SockJSSessionState(receiver, limits: limits)
  }

  /// The frames that are due, each as its own chunk; `|` stands for the end of the response, whose
  /// receiver says that it has it, unless told not to.
  func frames(confirmed isConfirmed: Bool = true) -> [String] {
    var chunks: [String] = []
    while true {
      var buffer = ByteBuffer()
      guard let written = session.next(into: &buffer) else { return chunks }
      let chunk = String(decoding: buffer.bytes, as: UTF8.self)
      if written == .lastFrame, isConfirmed { session.confirmed() }
      chunks.append(written == .lastFrame ? chunk + "|" : chunk)
    }
  }

  // The macros of the tests take no members of what cannot be copied.
  var isOpen: Bool { session.isOpen }
  var hasReceiver: Bool { session.hasReceiver }
  var pendingBytes: Int { session.pendingBytes }
  var timerDelay: Duration? { session.timerDelay }
  var isConfirmationDue: Bool { session.isConfirmationDue }

  func send(_ message: String) { message.withBytes { session.enqueue($0) } }
}

private let heartbeat = SockJSLimits().heartbeatDelay
private let disconnect = SockJSLimits().disconnectDelay

@Suite struct SockJSSessionStateTests {
  @Test func `opens with its first receiver`() {
    let polling = Owner(.xhr)
    #expect(polling.isOpen && polling.hasReceiver)
    #expect(polling.frames() == ["o\n|"])
    #expect(polling.isOpen && !polling.hasReceiver)
    let streaming = Owner(.xhrStreaming)
    #expect(streaming.frames() == ["o\n"])
    #expect(streaming.hasReceiver)
  }

  @Test func `gives a polling client all that waits in one frame`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.send("a")
    owner.send("b\n")
    #expect(owner.frames() == [])
    #expect(owner.pendingBytes == #""a","b\n","#.utf8.count)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["a[\"a\",\"b\\n\"]\n|"])
    #expect(owner.pendingBytes == 0)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == [])
    owner.send("c")
    #expect(owner.frames() == ["a[\"c\"]\n|"])
  }

  @Test func `sends messages behind the open frame on one stream`() {
    let owner = Owner(.eventSource)
    owner.send("a")
    #expect(owner.frames() == ["data: o\r\n\r\n", "data: a[\"a\"]\r\n\r\n"])
    owner.send("b")
    owner.send("c")
    #expect(owner.frames() == ["data: a[\"b\",\"c\"]\r\n\r\n"])
  }

  @Test func `messages queued before a receiver comes are one frame`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.send("a\n")
    owner.send("b")
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["a[\"a\\n\",\"b\"]\n|"])
  }

  @Test func `lets one receiver in at a time`() {
    let owner = Owner(.xhrStreaming)
    #expect(owner.session.attach(.xhr) == .refused(.anotherConnection))
    _ = owner.frames()
    #expect(owner.session.attach(.xhr) == .refused(.anotherConnection))
    owner.send("a")
    #expect(owner.frames() == ["a[\"a\"]\n"])
    owner.session.close(.goAway)
    #expect(owner.session.attach(.xhr) == .refused(.anotherConnection))
    #expect(owner.frames() == ["c[3000,\"Go away!\"]\n|"])
  }

  @Test func `may change its transport from receiver to receiver`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    #expect(owner.session.attach(.eventSource) == .attached)
    owner.send("a")
    #expect(owner.frames() == ["data: a[\"a\"]\r\n\r\n"])
  }

  // MARK: The last frame

  @Test func `gives nothing to the next receiver before the last one has its frame`() {
    let owner = Owner(.xhr)
    #expect(owner.frames(confirmed: false) == ["o\n|"])
    #expect(owner.isConfirmationDue)
    owner.send("a")
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == [])
    owner.session.confirmed()
    #expect(owner.frames() == ["a[\"a\"]\n|"])
  }

  @Test func `takes back what a receiver was given that had gone`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.send("a")
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames(confirmed: false) == ["a[\"a\"]\n|"])
    owner.send("b")
    #expect(owner.session.takeBack() == .none)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["a[\"a\",\"b\"]\n|"])
  }

  @Test(arguments: [false, true])
  func `opens with the next receiver when the first had gone`(isNextThere: Bool) {
    let owner = Owner(.xhr)
    #expect(owner.frames(confirmed: false) == ["o\n|"])
    if isNextThere { #expect(owner.session.attach(.xhr) == .attached) }
    #expect(owner.session.takeBack() == .none)
    #expect(owner.isOpen)
    if !isNextThere { #expect(owner.session.attach(.xhr) == .attached) }
    #expect(owner.frames() == ["o\n|"])
  }

  @Test func `takes back a message that a close is behind`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.send("a")
    owner.session.close(.goAway)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames(confirmed: false) == ["a[\"a\"]\n|"])
    #expect(owner.session.takeBack() == .none)
    for frame in ["a[\"a\"]\n|", "c[3000,\"Go away!\"]\n|"] {
      #expect(owner.session.attach(.xhr) == .attached)
      #expect(owner.frames() == [frame])
    }
  }

  @Test func `is closed when the rest of a stream reached nobody`() {
    var limits = SockJSLimits()
    limits.responseBytesMax = 5
    let owner = Owner(.xhrStreaming, limits: limits)
    owner.send("a")
    #expect(owner.frames(confirmed: false) == ["o\n", "a[\"a\"]\n|"])
    #expect(owner.session.takeBack() == .closed)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["c[1002,\"Connection interrupted\"]\n|"])
  }

  @Test func `is closed when a receiver waits for too long behind a frame`() {
    let owner = Owner(.xhr)
    _ = owner.frames(confirmed: false)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.session.timerFired() == .interrupt)
    #expect(owner.session.interrupt() == .closed)
    #expect(owner.frames() == ["c[1002,\"Connection interrupted\"]\n|"])
  }

  @Test func `goes on without a receiver that was never there`() {
    let new = Owner(.xhrStreaming)
    #expect(new.session.receiverMissed() == .none)
    #expect(new.session.attach(.xhr) == .attached)
    #expect(new.frames() == ["o\n|"])
    #expect(new.session.attach(.xhrStreaming) == .attached)
    new.send("a")
    #expect(new.session.receiverMissed() == .none)
    #expect(new.session.attach(.xhrStreaming) == .attached)
    #expect(new.frames() == ["a[\"a\"]\n"])
    #expect(new.session.receiverMissed() == .closed)
  }

  @Test func `ends a response with the frame that is next`() {
    let owner = Owner(.xhrStreaming)
    _ = owner.frames()
    owner.session.endResponse()
    #expect(owner.frames() == ["h\n|"])
    #expect(owner.session.attach(.xhrStreaming) == .attached)
    owner.send("a")
    owner.session.endResponse()
    #expect(owner.frames() == ["a[\"a\"]\n|"])
    #expect(owner.isOpen)
  }

  // MARK: Closing

  @Test func `tells every receiver why it is closed`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.session.close(.goAway)
    #expect(!owner.isOpen)
    for _ in 0..<3 {
      #expect(owner.session.attach(.xhr) == .attached)
      #expect(owner.frames() == ["c[3000,\"Go away!\"]\n|"])
    }
    #expect(owner.session.attach(.xhrStreaming) == .attached)
    #expect(owner.frames() == ["c[3000,\"Go away!\"]\n|"])
  }

  @Test func `ends the response of a receiver it closes on`() {
    let owner = Owner(.xhrStreaming)
    _ = owner.frames()
    owner.session.close(.goAway)
    #expect(owner.frames() == ["c[3000,\"Go away!\"]\n|"])
    #expect(!owner.hasReceiver)
  }

  @Test func `gives messages out before the close behind them`() {
    let streaming = Owner(.xhrStreaming)
    _ = streaming.frames()
    streaming.send("a")
    streaming.session.close(.goAway)
    #expect(streaming.frames() == ["a[\"a\"]\n", "c[3000,\"Go away!\"]\n|"])
    let polling = Owner(.xhr)
    _ = polling.frames()
    polling.send("a")
    polling.session.close(.goAway)
    #expect(polling.session.attach(.xhr) == .attached)
    #expect(polling.frames() == ["a[\"a\"]\n|"])
    #expect(polling.session.attach(.xhr) == .attached)
    #expect(polling.frames() == ["c[3000,\"Go away!\"]\n|"])
  }

  @Test func `opens first when it is closed at once`() {
    let polling = Owner(.xhr)
    polling.session.close(.goAway)
    #expect(!polling.isOpen)
    #expect(polling.frames() == ["o\n|"])
    #expect(polling.session.attach(.xhr) == .attached)
    #expect(polling.frames() == ["c[3000,\"Go away!\"]\n|"])
    let streaming = Owner(.xhrStreaming)
    streaming.send("a")
    streaming.session.close(.goAway)
    streaming.session.close(SockJSClose(4000, "later"))
    #expect(streaming.frames() == ["o\n", "a[\"a\"]\n", "c[3000,\"Go away!\"]\n|"])
    let broken = Owner(.xhrStreaming)
    broken.session.close(.goAway)
    #expect(broken.session.receiverAborted() == .none)
    #expect(broken.session.attach(.xhr) == .attached)
    #expect(broken.frames() == ["c[3000,\"Go away!\"]\n|"])
  }

  @Test func `keeps its first reason and takes no messages behind it`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.session.close(SockJSClose(4200, "draining"))
    owner.session.close(.goAway)
    owner.send("late")
    #expect(owner.pendingBytes == 0)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["c[4200,\"draining\"]\n|"])
  }

  @Test func `is closed by a receiver that breaks off`() {
    let owner = Owner(.xhrStreaming)
    _ = owner.frames()
    owner.send("lost")
    #expect(owner.session.receiverAborted() == .closed)
    #expect(!owner.isOpen && !owner.hasReceiver)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["c[1002,\"Connection interrupted\"]\n|"])
  }

  @Test func `keeps its reason when a receiver breaks off while it closes`() {
    let owner = Owner(.xhrStreaming)
    _ = owner.frames()
    owner.session.close(.goAway)
    #expect(owner.session.receiverAborted() == .none)
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.frames() == ["c[3000,\"Go away!\"]\n|"])
  }

  // MARK: Time

  @Test func `beats to a receiver that hears nothing else`() {
    let owner = Owner(.xhrStreaming)
    #expect(owner.timerDelay == heartbeat)
    _ = owner.frames()
    #expect(owner.session.timerFired() == .write)
    #expect(owner.frames() == ["h\n"])
    #expect(owner.timerDelay == heartbeat)
    owner.send("a")
    #expect(owner.session.timerFired() == .write)
    #expect(owner.frames() == ["a[\"a\"]\n"])
  }

  @Test func `ends a polling response with its heartbeat`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    #expect(owner.session.attach(.xhr) == .attached)
    #expect(owner.session.timerFired() == .write)
    #expect(owner.frames() == ["h\n|"])
    #expect(owner.timerDelay == disconnect)
  }

  @Test func `is abandoned when nobody receives`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    #expect(owner.timerDelay == disconnect)
    #expect(owner.session.timerFired() == .abandon)
    #expect(!owner.isOpen)
    #expect(owner.timerDelay == nil)
  }

  @Test func `is forgotten some time after it was closed`() {
    let owner = Owner(.xhr)
    _ = owner.frames()
    owner.session.close(.goAway)
    #expect(owner.timerDelay == disconnect)
    #expect(owner.session.timerFired() == .forget)
    #expect(owner.timerDelay == nil)
  }

  // MARK: The response limit

  @Test(arguments: [SockJSReceiver.xhrStreaming, .eventSource, .htmlFile(SockJSCallback("c")!)])
  func `ends a stream after so many bytes as it writes them`(_ receiver: SockJSReceiver) {
    var limits = SockJSLimits()
    limits.responseBytesMax = 4096
    let message = String(repeating: "x", count: 128)
    let quoted = "\"\(message)\""
    func size(_ frame: SockJSFrame) -> Int {
      written { receiver.append(frame, to: &$0) }.utf8.count
    }
    let open = size(.open)
    let each = quoted.withBytes { size(.messages($0)) }
    let owner = Owner(receiver, limits: limits)
    _ = owner.frames()
    var messages = 0
    while owner.hasReceiver {
      owner.send(message)
      messages += owner.frames().count
    }
    #expect(messages == (4096 - open + each - 1) / each)
    #expect(owner.isOpen)
    owner.send("next")
    #expect(owner.session.attach(receiver) == .attached)
    #expect(owner.frames().count == 1)
    #expect(owner.hasReceiver)
  }

  @Test func `counts each response anew`() {
    var limits = SockJSLimits()
    limits.responseBytesMax = 12
    let owner = Owner(.xhrStreaming, limits: limits)
    #expect(owner.frames() == ["o\n"])
    owner.send("a")
    #expect(owner.frames() == ["a[\"a\"]\n"])
    owner.send("b")
    #expect(owner.frames() == ["a[\"b\"]\n|"])
    #expect(owner.session.attach(.xhrStreaming) == .attached)
    owner.send("c")
    #expect(owner.frames() == ["a[\"c\"]\n"])
  }
}
