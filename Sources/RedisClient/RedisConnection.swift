internal import Bytes
internal import Reactor

/// What a connection tells its client.
protocol RedisConnectionOwner: AnyObject {
  func connected()
  /// The answer to the oldest command without one or, on a connection that has subscribed, a
  /// message.
  func received(_ value: RedisValue)
  /// Once, last; commands without an answer will have none.
  func ended(_ failure: RedisFailure)
}

/// One connection: a socket of the loop, with hiredis' reader for the protocol.
///
/// The library's own connections are not used: they take the replies of a subscription for
/// objects of the library's making, which ours are not, and free themselves within any call.
final class RedisConnection: EventHandler {
  private let owner: any RedisConnectionOwner
  private let loop: EventLoop
  private let reader: ReplyReader
  private var socket: StreamSocket
  private var isConnected = false
  /// Whether replies that are here wait for the next turn.
  private(set) var hasRest = false

  init(
    to address: SocketAddress, layer: StreamLayer?, limits: RedisLimits, on loop: EventLoop,
    owner: any RedisConnectionOwner
  ) throws(RedisFailure) {
    self.owner = owner
    self.loop = loop
    reader = ReplyReader(limits: limits)
    do {
      socket = try StreamSocket.connect(to: address, layer: layer, on: loop)
    } catch {
      socket = StreamSocket(closedOn: loop)
      throw RedisFailure(.unreachable, "\(error)")
    }
    do {
      try socket.register(self)
    } catch {
      throw RedisFailure(.unreachable, "\(error)")
    }
  }

  /// Says false when the connection can take no more.
  func send(_ command: RedisCommand) -> Bool {
    guard socket.isOpen else { return false }
    socket.write { $0.append(command.bytes) }
    reader.expectReply()
    return true
  }

  /// From now on the server may send what nobody asked for.
  func acceptMessages() { reader.acceptsMessages = true }

  var acceptsMessages: Bool { reader.acceptsMessages }

  /// Ends the connection; the owner hears of it at once.
  func close(_ reason: RedisFailure) {
    guard socket.isOpen else { return }
    socket.close()
    owner.ended(reason)
  }

  // MARK: Events of the loop

  func becameReady(_ readiness: Readiness) {
    guard isConnected else { return finishConnecting() }
    if readiness.contains(.writable) { flush() }
    if !readiness.isDisjoint(with: [.readable, .closed]), socket.isOpen, !hasRest { read() }
  }

  func timerFired() {
    if hasRest { takeReplies() }
  }

  private func finishConnecting() {
    do throws(SystemError) {
      try socket.finishConnecting()
      isConnected = true
      owner.connected()
    } catch {
      close(RedisFailure(.unreachable, "\(error)"))
    }
  }

  func flush() {
    if case .failed(let error) = socket.flush() { close(RedisFailure(error)) }
  }

  private func read() {
    switch socket.receive() {
    case .bytes(let bytes): take(bytes)
    case .wouldBlock: break
    case .ended: close(RedisFailure(.lost, "closed"))
    case .failed(let error): close(RedisFailure(error))
    }
  }

  private func take(_ bytes: UnsafeMutableRawBufferPointer) {
    reader.feed(UnsafeRawBufferPointer(bytes))
    takeReplies()
  }

  /// Hands replies to the owner for as long as a turn takes events: thousands of short ones fit in
  /// one read, and each may begin more.
  private func takeReplies() {
    let end = loop.kernel.now() + EventLoop.eventTime
    hasRest = false
    do throws(RedisFailure) {
      // An answer may have closed the connection.
      while socket.isOpen, let reply = try reader.next() {
        owner.received(reply)
        guard loop.kernel.now() < end else {
          hasRest = true
          return loop.fireInNextTurn(socket.token)
        }
      }
    } catch {
      close(error)
    }
  }
}
