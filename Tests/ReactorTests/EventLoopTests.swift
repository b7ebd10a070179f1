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

  @Test func `work in shares goes on once in each turn`() {
    let recorder = Recorder()
    recorder.token = loop.add(recorder)
    recorder.onFlush = { [loop] in
      loop.fireInNextTurn(recorder.token)
      loop.fireInNextTurn(recorder.token)
    }
    loop.scheduleFlush(recorder.token)
    loop.turn()
    #expect(recorder.timers == 0)
    loop.scheduleFlush(recorder.token)
    loop.turn()
    #expect(recorder.timers == 1)
    loop.turn()
    #expect(recorder.timers == 2)
    loop.turn()
    #expect(recorder.timers == 2)
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

  @Test func `a timer due at the tick of the former owner's fires once`() {
    let (first, second) = (Recorder(), Recorder())
    let deadline = loop.now + .milliseconds(100)
    first.token = loop.add(first)
    loop.setTimer(for: first.token, at: deadline)
    loop.remove(first.token)
    second.token = loop.add(second)
    #expect(second.token.index == first.token.index)
    loop.setTimer(for: second.token, at: deadline)
    kernel.skew = .milliseconds(200)
    loop.turn()
    loop.turn()
    #expect(first.timers == 0)
    #expect(second.timers == 1)
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

  @Test func `a flood of mail keeps no event waiting`() throws {
    kernel.stopClock()
    let ends = pipes()
    let recorder = Recorder()
    recorder.token = try loop.add(recorder, descriptor: ends.read, interest: .readable)
    var received: [Int] = []
    let mailbox = loop.makeMailbox(Int.self) { [kernel] batch in
      received += batch
      kernel.skew += EventLoop.mailTime
    }
    let messages = Array(0..<EventLoop.messagesPerLook * 3)
    mailbox.post(messages)
    loop.turn()
    #expect(received.count == EventLoop.messagesPerLook)
    #expect(write(ends.write, "x", 1) == 1)
    loop.turn()
    #expect(recorder.readinesses.count == 1)
    // What came meanwhile is behind what was left, though nobody rings for the rest.
    mailbox.post(messages.count)
    loop.turn()
    #expect(received == messages)
    loop.turn()
    #expect(received == messages + [messages.count])
  }

  @Test func `a flood of events keeps no mail and no timer waiting`() throws {
    kernel.stopClock()
    let recorders = try (0..<32).map { _ in
      let (ends, recorder) = (pipes(), Recorder())
      recorder.token = try loop.add(recorder, descriptor: ends.read, interest: .readable)
      recorder.onReady = { [kernel] in kernel.skew += EventLoop.eventTime }
      #expect(write(ends.write, "x", 1) == 1)
      return recorder
    }
    var mail = 0
    let mailbox = loop.makeMailbox(Void.self) { mail += $0.count }
    mailbox.post(())
    let timed = Recorder()
    loop.setTimer(for: loop.add(timed), at: loop.now)
    loop.turn()
    #expect(recorders.contains { $0.readinesses.isEmpty })
    #expect(mail == 1)
    loop.turn()
    #expect(timed.timers == 1)
    for _ in 0..<4 { loop.turn() }
    // Nobody has read, so they are ready again; but each had its turn before any had two more.
    let counts = recorders.map(\.readinesses.count)
    #expect(counts.min()! >= 1 && counts.max()! <= 2)
  }

  @Test func `an event that was left is not for one who stopped to read meanwhile`() throws {
    kernel.stopClock()
    let recorders = try (0..<32).map { _ in
      let (ends, recorder) = (pipes(), Recorder())
      recorder.token = try loop.add(recorder, descriptor: ends.read, interest: .readable)
      #expect(write(ends.write, "x", 1) == 1)
      return recorder
    }
    for recorder in recorders {
      recorder.onReady = { [kernel, loop] in
        kernel.skew += EventLoop.eventTime
        for other in recorders where other !== recorder {
          loop.setInterest([], for: other.token)
        }
      }
    }
    loop.turn()
    let inFirstTurn = recorders.map(\.readinesses.count).reduce(0, +)
    loop.turn()
    #expect(recorders.map(\.readinesses.count).reduce(0, +) == inFirstTurn)
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
