import CLinux
import Glibc
import TestKernel
import Testing

@testable import Reactor

private final class Recorder: EventHandler {
  var token = Token(index: 0, generation: 0)
  var readinesses: [Readiness] = []
  var timers = 0
  var flushes = 0
  var onReady: () -> Void = {}
  var onFlush: () -> Void = {}

  func becameReady(_ readiness: Readiness) {
    readinesses.append(readiness)
    onReady()
  }
  func timerFired() { timers += 1 }
  func flush() {
    flushes += 1
    onFlush()
  }
}

@Suite struct EventLoopTests {
  private let kernel = FakeKernel()
  private let loop: EventLoop

  init() throws { loop = try EventLoop(name: "test", kernel: kernel) }

  private func pipes() -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test func `an event of a descriptor that was removed in the same turn reaches nobody`() throws {
    let (first, second) = (pipes(), pipes())
    let (one, two) = (Recorder(), Recorder())
    one.token = try loop.add(one, descriptor: first.read, interest: .readable)
    two.token = try loop.add(two, descriptor: second.read, interest: .readable)
    let late = Recorder()
    // Whichever comes first removes the other and takes its slot for a third handler.
    one.onReady = { [loop] in
      loop.remove(two.token)
      _ = loop.add(late)
    }
    two.onReady = { [loop] in
      loop.remove(one.token)
      _ = loop.add(late)
    }
    #expect(write(first.write, "x", 1) == 1)
    #expect(write(second.write, "x", 1) == 1)
    loop.turn()
    #expect(one.readinesses.count + two.readinesses.count == 1)
    #expect(late.readinesses.isEmpty)
  }

  @Test func `a removed handler lives to the end of the turn and no longer`() {
    weak var handler: Recorder?
    var token = Token(index: 0, generation: 0)
    do {
      let made = Recorder()
      handler = made
      token = loop.add(made)
    }
    #expect(handler != nil)
    loop.remove(token)
    #expect(handler != nil)
    loop.setTimer(for: loop.add(Recorder()), at: loop.now)
    loop.turn()
    #expect(handler == nil)
  }

  @Test func `a timer that is put off fires once at the later time`() {
    let recorder = Recorder()
    let token = loop.add(recorder)
    loop.setTimer(for: token, at: loop.now + .seconds(1))
    loop.setTimer(for: token, at: loop.now + .seconds(100))
    kernel.skew = .seconds(50)
    loop.turn()
    #expect(recorder.timers == 0)
    kernel.skew = .seconds(101)
    loop.turn()
    loop.turn()
    #expect(recorder.timers == 1)
  }

  @Test func `a timer that is brought forward fires once at the earlier time`() {
    let recorder = Recorder()
    let token = loop.add(recorder)
    loop.setTimer(for: token, at: loop.now + .seconds(100))
    loop.setTimer(for: token, at: loop.now + .seconds(1))
    kernel.skew = .seconds(2)
    loop.turn()
    #expect(recorder.timers == 1)
    kernel.skew = .seconds(200)
    loop.turn()
    #expect(recorder.timers == 1)
  }

  @Test func `a timer of a removed handler does not fire for the next owner of its slot`() {
    let (first, second) = (Recorder(), Recorder())
    let token = loop.add(first)
    loop.setTimer(for: token, at: loop.now + .milliseconds(20))
    loop.remove(token)
    let reused = loop.add(second)
    #expect(reused.index == token.index)
    kernel.skew = .seconds(1)
    loop.turn()
    #expect(first.timers == 0 && second.timers == 0)
  }

  @Test func `a cancelled timer does not fire and can be armed again`() {
    let recorder = Recorder()
    let token = loop.add(recorder)
    loop.setTimer(for: token, at: loop.now + .milliseconds(20))
    loop.cancelTimer(for: token)
    kernel.skew = .seconds(1)
    loop.turn()
    #expect(recorder.timers == 0)
    loop.setTimer(for: token, at: loop.now + .milliseconds(20))
    kernel.skew = .seconds(2)
    loop.turn()
    #expect(recorder.timers == 1)
  }

  @Test func `a flush asked for many times runs once`() {
    let recorder = Recorder()
    let token = loop.add(recorder)
    for _ in 0..<5 { loop.scheduleFlush(token) }
    loop.turn()
    loop.setTimer(for: token, at: loop.now)
    loop.turn()
    #expect(recorder.flushes == 1)
  }

  @Test func `a handler that alone asked for a flush has it before the next event`() throws {
    let (first, second) = (pipes(), pipes())
    let (one, two) = (Recorder(), Recorder())
    one.token = try loop.add(one, descriptor: first.read, interest: .readable)
    two.token = try loop.add(two, descriptor: second.read, interest: .readable)
    var flushesSeen: [Int] = []
    one.onReady = { [loop] in
      loop.scheduleFlush(one.token)
      flushesSeen.append(two.flushes)
    }
    two.onReady = { [loop] in
      loop.scheduleFlush(two.token)
      flushesSeen.append(one.flushes)
    }
    #expect(write(first.write, "x", 1) == 1)
    #expect(write(second.write, "x", 1) == 1)
    loop.turn()
    #expect(flushesSeen == [0, 1])
    #expect(one.flushes == 1 && two.flushes == 1)
  }

  @Test func `handlers are flushed in the order in which they asked`() throws {
    let handlers = (0..<3).map { _ in Recorder() }
    let tokens = handlers.map { loop.add($0) }
    var order: [Int] = []
    for (index, handler) in handlers.enumerated() { handler.onFlush = { order.append(index) } }
    // One that asks during the flushes is taken in the same pass, behind the others.
    handlers[2].onFlush = { [loop] in
      order.append(2)
      if order.count == 1 { loop.scheduleFlush(tokens[2]) }
    }
    for index in [2, 0, 1] { loop.scheduleFlush(tokens[index]) }
    loop.turn()
    #expect(order == [2, 0, 1, 2])
  }

  @Test func `the next owner of a slot is not flushed for the one before`() {
    let (first, second, third) = (Recorder(), Recorder(), Recorder())
    let token = loop.add(first)
    loop.scheduleFlush(token)
    loop.scheduleFlush(loop.add(third))
    loop.remove(token)
    let reused = loop.add(second)
    #expect(reused.index == token.index)
    loop.turn()
    #expect(first.flushes == 0 && second.flushes == 0 && third.flushes == 1)
    loop.scheduleFlush(reused)
    loop.turn()
    #expect(second.flushes == 1)
  }

  @Test func `mail of several threads arrives whole and in each sender's order`() {
    let senders = 4
    let perSender = 10_000
    nonisolated(unsafe) var next = [Int](repeating: 0, count: senders)
    nonisolated(unsafe) var inOrder = true
    let loop = loop
    let mailbox = loop.makeMailbox((sender: Int, number: Int).self) { batch in
      for (sender, number) in batch {
        inOrder = inOrder && next[sender] == number
        next[sender] += 1
      }
      if next.allSatisfy({ $0 == perSender }) { loop.stop() }
    }
    let threads = (0..<senders).map { sender in
      Thread(name: "sender") {
        for number in 0..<perSender { mailbox.post((sender, number)) }
      }
    }
    loop.run()
    for thread in threads { thread.join() }
    #expect(inOrder)
  }

  @Test func `what a flush posts to its own loop is delivered before the next flush`() {
    let loop = loop
    let (first, second) = (Recorder(), Recorder())
    let tokens = [loop.add(first), loop.add(second)]
    nonisolated(unsafe) var order: [String] = []
    let inner = loop.makeMailbox(String.self) { order += $0 }
    let outer = loop.makeMailbox(Void.self) { _ in
      for token in tokens { loop.scheduleFlush(token) }
    }
    first.onFlush = {
      order.append("first")
      inner.post("mail")
    }
    second.onFlush = {
      order.append("second")
      loop.stop()
    }
    outer.post(())
    loop.run()
    #expect(order == ["first", "mail", "second"])
  }

  @Test func `a loop that always has mail of its own still sees its descriptors`() throws {
    let loop = loop
    let (read, write) = pipes()
    let recorder = Recorder()
    let descriptor = try loop.add(recorder, descriptor: read, interest: .readable)
    let flushed = loop.add(Recorder())
    nonisolated(unsafe) var post: () -> Void = {}
    nonisolated(unsafe) var count = 0
    let mailbox = loop.makeMailbox(Void.self) { _ in
      count += 1
      if count == 1 { #expect(Glibc.write(write, "x", 1) == 1) }
      loop.scheduleFlush(flushed)
      if count < 10_000 { post() } else { loop.stop() }
    }
    post = { mailbox.post(()) }
    recorder.onReady = {
      loop.remove(descriptor)
      loop.stop()
    }
    post()
    loop.run()
    #expect(recorder.readinesses == [.readable] && count < 10_000)
  }

  @Test func `a loop knows its own thread`() {
    let loop = loop
    var wasCurrent = false
    let mailbox = loop.makeMailbox(Void.self) { _ in
      wasCurrent = loop.isCurrent
      loop.stop()
    }
    #expect(!loop.isCurrent)
    mailbox.post(())
    loop.run()
    #expect(wasCurrent && !loop.isCurrent)
  }
}
