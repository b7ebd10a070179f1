public import Bytes
internal import CLinux
internal import Glibc

/// What one read of a socket gave.
package enum Received {
  /// In the loop's shared buffer, to be used or copied before the handler returns; may be changed
  /// in place.
  case bytes(UnsafeMutableRawBufferPointer)
  case wouldBlock
  /// The peer will send no more.
  case ended
  case failed(StreamError)
}

/// What has become of the bytes written to a socket.
package enum Flushed: Equatable {
  /// The kernel has taken everything.
  case drained
  /// So many bytes wait until the socket becomes writable.
  case blocked(pendingBytes: Int)
  case failed(StreamError)
}

/// A connected stream with its pending writes; a stored property of the handler that owns it.
///
/// Writes gather in the loop's arena and leave with one system call when the handler calls
/// `flush()` at the end of the turn. Only what the kernel did not take is copied and kept here, so
/// an idle socket holds no memory but itself. `pendingBytes` has no bound of its own (below
/// 4 GiB): the owner looks at it and stops reading, sheds, or closes.
///
/// With a `StreamLayer` all the owner reads is opened by it and all it writes is sealed; the owner
/// does not see the difference. `StreamSocket+Layer.swift` is that way.
@usableFromInline
package struct StreamSocket: ~Copyable {
  private static let vectorsMax = 64

  @usableFromInline let state: UnsafeMutablePointer<LoopState>
  /// The owner's place on the loop, once registered.
  package private(set) var token = Token(index: .max, generation: .max)
  /// What an earlier flush could not send.
  private(set) var backlog = Backlog()
  var written = WriteList()
  var descriptor: Int32
  private var isConnected: Bool
  /// What the loop watches the descriptor for.
  private var interest: Readiness = []
  /// Whether the owner wants to read, as set with `setReading(_:)`.
  package private(set) var isReading = true
  /// Whether an owner that does not read is told all the same when the peer ends its side.
  private var noticesEnd = false

  /// What seals and opens the bytes; nil on a plain socket.
  var layer: StreamLayer?

  private var loop: EventLoop { state.pointee.loop }

  @inlinable var buffer: UnsafeMutablePointer<ByteBuffer> { state.pointee.buffer }

  /// A socket that is closed, for an owner that connects later.
  package init(closedOn loop: EventLoop) {
    self.init(descriptor: -1, isConnected: false, layer: nil, on: loop)
  }

  /// Takes over a connected descriptor, whose peer speaks first.
  package init(adopting descriptor: Int32, layer: StreamLayer? = nil, on loop: EventLoop) {
    self.init(descriptor: descriptor, isConnected: true, layer: layer, on: loop)
  }

  private init(descriptor: Int32, isConnected: Bool, layer: StreamLayer?, on loop: EventLoop) {
    state = loop.state
    self.descriptor = descriptor
    self.isConnected = isConnected
    self.layer = layer
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Fails on a Unix socket, which has no delay to switch off.
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
  }

  deinit {
    guard descriptor >= 0 else { return }
    if !written.isEmpty { state.pointee.arena.unflushedSockets -= 1 }
    var backlog = backlog
    backlog.removeAll(to: &state.pointee.blocks)
    loop.remove(token)
    state.pointee.kernel.close(descriptor)
  }

  /// Starts to connect. Once registered, the owner's `becameReady` tells that the attempt has
  /// ended; then `finishConnecting()` says how.
  package static func connect(
    to address: SocketAddress, layer: StreamLayer? = nil, on loop: EventLoop
  ) throws(SystemError) -> StreamSocket {
    let descriptor = try SystemError.check(clinux_socket(address.family), "socket")
    let result = address.withPointer { clinux_connect(descriptor, $0, $1) }
    if result < 0 && result != -EINPROGRESS {
      loop.state.pointee.kernel.close(descriptor)
      throw SystemError(code: -result, call: "connect")
    }
    return StreamSocket(descriptor: descriptor, isConnected: false, layer: layer, on: loop)
  }

  /// Has `owner` called when the socket is ready: to read, or for one that connects, when the
  /// attempt has ended. Once per socket.
  package mutating func register(_ owner: any EventHandler) throws(SystemError) {
    precondition(descriptor >= 0, "a closed socket was registered")
    interest = isConnected ? .readable : .writable
    token = try loop.add(owner, descriptor: descriptor, interest: interest)
  }

  /// Ends the attempt of `connect(to:on:)`; on success reading starts.
  package mutating func finishConnecting() throws(SystemError) {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    guard code == 0 else { throw SystemError(code: code, call: "connect") }
    isConnected = true
    if let layer { start(layer) }
    updateInterest()
  }

  package var isOpen: Bool { descriptor >= 0 }

  /// Bytes written and not yet taken by the kernel.
  package var pendingBytes: Int {
    backlog.count + Int(written.byteCount) + (layer?.held.count ?? 0)
  }

  // MARK: Reading

  /// One read into the loop's shared buffer.
  package mutating func receive() -> Received {
    // Looked at and not taken: to hold it here and in `flush()` cost 13 instructions a message.
    if layer != nil { return receiveThroughLayer() }
    let buffer = state.pointee.readBuffer
    let count = state.pointee.kernel.receive(descriptor, into: buffer)
    if count > 0 { return .bytes(.init(rebasing: buffer[..<count])) }
    if count == 0 { return .ended }
    if count == -Int(EAGAIN) { return .wouldBlock }
    return .failed(.system(SystemError(code: Int32(-count), call: "recv")))
  }

  /// Stops or goes on reading; what the peer sends meanwhile waits in the kernel.
  ///
  /// With `noticingEnd` the owner's `becameReady` hears `ended` when the peer ends its side behind
  /// what waits, and for as long as this stays so: it is to close then.
  package mutating func setReading(_ isReading: Bool, noticingEnd: Bool = false) {
    guard self.isReading != isReading || noticesEnd != noticingEnd else { return }
    self.isReading = isReading
    noticesEnd = noticingEnd
    updateInterest()
  }

  // MARK: Writing

  /// Appends what `encode` writes, and has the handler flushed at the end of the turn.
  @inlinable
  package mutating func write(_ encode: (inout ByteBuffer) -> Void) {
    let start = buffer.pointee.count
    encode(&buffer.pointee)
    wrote(from: start)
  }

  @usableFromInline
  mutating func wrote(from start: Int) {
    let range = ArenaRange(offset: start, count: buffer.pointee.count &- start)
    if !written.lengthen(by: range) { write(range) }
  }

  /// Appends bytes that this turn encoded into the loop's arena, for this and other sockets.
  package mutating func write(_ range: ArenaRange) {
    guard range.count > 0, descriptor >= 0 else { return }
    // A copy, here and below: with ThreadSanitizer the compiler takes the one in `self` for a second
    // access to it.
    let state = state
    if written.isEmpty {
      state.pointee.arena.unflushedSockets += 1
      state.pointee.handlers.scheduleFlush(token)
    }
    written.append(range, in: &state.pointee.arena)
  }

  /// Sends what is pending. To be called from the handler's `flush()` and when it is writable.
  package mutating func flush() -> Flushed {
    guard descriptor >= 0 else { return .drained }
    if layer != nil { return flushThroughLayer() }
    if !backlog.isEmpty {
      if let error = sendBacklog() { return .failed(error) }
    }
    if !written.isEmpty {
      if let error = sendWritten() { return .failed(error) }
    }
    updateInterest()
    return backlog.isEmpty ? .drained : .blocked(pendingBytes: pendingBytes)
  }

  /// Sends of the backlog what one call takes.
  mutating func sendBacklog() -> StreamError? {
    let descriptor = descriptor
    let sent = withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) {
      let filled = UnsafeBufferPointer(rebasing: $0[..<backlog.fill($0)])
      return state.pointee.kernel.send(descriptor, filled)
    }
    guard sent >= 0 || sent == -Int(EAGAIN) else {
      return .system(SystemError(code: Int32(-sent), call: "send"))
    }
    if sent > 0 { forget(sent) }
    return nil
  }

  /// The kernel has taken the backlog's first `count` bytes.
  private mutating func forget(_ count: Int) {
    let state = state
    backlog.removeFirst(count, to: &state.pointee.blocks)
  }

  private mutating func sendWritten() -> StreamError? {
    let list = written
    written = WriteList()
    state.pointee.arena.unflushedSockets -= 1
    let bytes = buffer.pointee.bytes
    if let only = list.only, backlog.isEmpty {
      let segment = UnsafeRawBufferPointer(rebasing: bytes[only])
      return keep(segment, after: state.pointee.kernel.send(descriptor, segment))
    }
    return sendRanges(of: list, in: bytes)
  }

  private mutating func sendRanges(
    of list: WriteList, in bytes: UnsafeRawBufferPointer
  ) -> StreamError? {
    var ranges = list.ranges
    // What the kernel refused must go out first: behind it everything is kept.
    while backlog.isEmpty {
      switch sendVectors(from: &ranges, in: bytes) {
      case .nothingLeft: return nil
      case .taken: continue
      case .failed(let error): return error
      }
    }
    while let range = ranges.next(in: state.pointee.arena) {
      keep(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
    return nil
  }

  private enum VectorsSent {
    case nothingLeft
    case taken
    case failed(StreamError)
  }

  /// Sends up to `vectorsMax` segments with one call and moves `ranges` behind them.
  private mutating func sendVectors(
    from ranges: inout WriteList.Ranges, in bytes: UnsafeRawBufferPointer
  ) -> VectorsSent {
    var unsent = ranges
    let descriptor = descriptor
    let (sent, count) = withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) {
      vectors in
      var count = 0
      while count < Self.vectorsMax, let range = ranges.next(in: state.pointee.arena) {
        vectors[count] = iovec(UnsafeRawBufferPointer(rebasing: bytes[range]))
        count += 1
      }
      guard count > 0 else { return (0, 0) }
      let filled = UnsafeBufferPointer(rebasing: vectors[..<count])
      return (state.pointee.kernel.send(descriptor, filled), count)
    }
    guard count > 0 else { return .nothingLeft }
    var left = sent
    for _ in 0..<count {
      guard let range = unsent.next(in: state.pointee.arena) else { break }
      let taken = left < 0 ? left : min(left, range.count)
      if let error = keep(UnsafeRawBufferPointer(rebasing: bytes[range]), after: taken) {
        return .failed(error)
      }
      left = left < 0 ? left : left - taken
    }
    return .taken
  }

  /// Keeps a copy of what is left of `segment` after the kernel took `sent` bytes of it.
  mutating func keep(_ segment: UnsafeRawBufferPointer, after sent: Int) -> StreamError? {
    if sent == segment.count { return nil }
    guard sent >= 0 || sent == -Int(EAGAIN) else {
      return .system(SystemError(code: Int32(-sent), call: "send"))
    }
    keep(UnsafeRawBufferPointer(rebasing: segment[max(0, sent)...]))
    return nil
  }

  /// Keeps a copy of what cannot be sent now.
  @inline(never)
  mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    let state = state
    backlog.append(bytes, from: &state.pointee.blocks)
  }

  mutating func updateInterest() {
    guard isConnected else { return }
    var interest: Readiness = []
    if isReading { interest.insert(.readable) } else if noticesEnd { interest.insert(.ended) }
    if !backlog.isEmpty { interest.insert(.writable) }
    guard interest != self.interest else { return }
    self.interest = interest
    loop.setInterest(interest, for: token)
  }

  /// Sends no more, but still receives.
  package mutating func shutdownWriting() {
    guard descriptor >= 0 else { return }
    if let layer { finish(layer) }
    // Fails when the peer has gone, which the next read tells.
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Closes at once; what is pending is lost.
  ///
  /// With a reset, if the kernel would not take it all: the peer does not read, and what the kernel
  /// did take would stay in its memory for minutes, in case it did again.
  package mutating func close() {
    guard descriptor >= 0 else { return }
    if !backlog.isEmpty {
      var reset = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
    }
    if let layer { finish(layer) }
    layer = nil
    if !written.isEmpty { state.pointee.arena.unflushedSockets -= 1 }
    written = WriteList()
    forget(backlog.count)
    loop.remove(token)
    state.pointee.kernel.close(descriptor)
    descriptor = -1
  }
}

extension iovec {
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
  }
}

extension UnsafeRawBufferPointer {
  subscript(range: ArenaRange) -> Slice<UnsafeRawBufferPointer> {
    self[range.offset..<range.offset + range.count]
  }
}

extension EventLoop {
  /// Encodes something that several sockets of this loop will write in this turn.
  ///
  /// `encode` gives the part of the buffer that is to be sent; it appends and changes nothing else.
  package func encode(_ encode: (inout ByteBuffer) -> Range<Int>) -> ArenaRange {
    let range = encode(&state.pointee.buffer.pointee)
    return ArenaRange(offset: range.lowerBound, count: range.count)
  }

  /// What was encoded in this turn, valid within `use`, which must not encode or write.
  package func withBytes<Result>(
    of range: ArenaRange, _ use: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    use(UnsafeRawBufferPointer(rebasing: state.pointee.buffer.pointee.bytes[range]))
  }
}
