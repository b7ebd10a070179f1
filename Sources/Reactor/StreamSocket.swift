package import Bytes
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
  case failed(SystemError)
}

/// What has become of the bytes written to a socket.
package enum Flushed: Equatable {
  /// The kernel has taken everything.
  case drained
  /// So many bytes wait until the socket becomes writable.
  case blocked(pendingBytes: Int)
  case failed(SystemError)
}

/// A connected stream with its pending writes; a stored property of the handler that owns it.
///
/// Writes gather in the loop's arena and leave with one system call when the handler calls
/// `flush()` at the end of the turn. Only what the kernel did not take is copied and kept here, so
/// an idle socket holds no memory but itself. `pendingBytes` has no bound of its own (below
/// 4 GiB): the owner looks at it and stops reading, sheds, or closes.
package struct StreamSocket: ~Copyable {
  private static let vectorsMax = 64

  private unowned(unsafe) let loop: EventLoop
  private let arena: UnsafeMutablePointer<WriteArena>
  /// The owner's place on the loop, once registered.
  package private(set) var token = Token(index: .max, generation: .max)
  private var descriptor: Int32
  /// The segments of the loop's arena that this turn has written, as a linked list.
  private var firstSegment = WriteArena.none
  private var lastSegment = WriteArena.none
  private var segmentBytes: UInt32 = 0
  /// What an earlier flush could not send, from `backlogStart` on.
  private var backlogStart: UInt32 = 0
  private var backlog: [UInt8] = []
  private var isConnected: Bool
  /// What the loop watches the descriptor for.
  private var interest: Readiness = []
  /// Whether the owner wants to read, as set with `setReading(_:)`.
  package private(set) var isReading = true

  /// A socket that is closed, for an owner that connects later.
  package init(closedOn loop: EventLoop) {
    self.init(descriptor: -1, isConnected: false, on: loop)
  }

  /// Takes over a connected descriptor.
  package init(adopting descriptor: Int32, on loop: EventLoop) {
    self.init(descriptor: descriptor, isConnected: true, on: loop)
  }

  private init(descriptor: Int32, isConnected: Bool, on loop: EventLoop) {
    self.loop = loop
    arena = loop.arena
    self.descriptor = descriptor
    self.isConnected = isConnected
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Fails on a Unix socket, which has no delay to switch off.
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
  }

  deinit {
    guard descriptor >= 0 else { return }
    if firstSegment != WriteArena.none { arena.pointee.unflushedSockets -= 1 }
    loop.remove(token)
    loop.kernel.close(descriptor)
  }

  /// Starts to connect. Once registered, the owner's `becameReady` tells that the attempt has
  /// ended; then `finishConnecting()` says how.
  package static func connect(
    to address: SocketAddress, on loop: EventLoop
  ) throws(SystemError) -> StreamSocket {
    let descriptor = try SystemError.check(clinux_socket(address.family), "socket")
    let result = address.withPointer { clinux_connect(descriptor, $0, $1) }
    if result < 0 && result != -EINPROGRESS {
      loop.kernel.close(descriptor)
      throw SystemError(code: -result, call: "connect")
    }
    return StreamSocket(descriptor: descriptor, isConnected: false, on: loop)
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
    updateInterest()
  }

  package var isOpen: Bool { descriptor >= 0 }

  /// Bytes written and not yet taken by the kernel.
  package var pendingBytes: Int { backlog.count - Int(backlogStart) + Int(segmentBytes) }

  // MARK: Reading

  /// One read into the loop's shared buffer.
  package mutating func receive() -> Received {
    let buffer = loop.readBuffer
    let count = loop.kernel.receive(descriptor, into: buffer)
    if count > 0 { return .bytes(.init(rebasing: buffer[..<count])) }
    if count == 0 { return .ended }
    if count == -Int(EAGAIN) { return .wouldBlock }
    return .failed(SystemError(code: Int32(-count), call: "recv"))
  }

  /// Stops or goes on reading; what the peer sends meanwhile waits in the kernel.
  package mutating func setReading(_ isReading: Bool) {
    guard self.isReading != isReading else { return }
    self.isReading = isReading
    updateInterest()
  }

  // MARK: Writing

  /// Appends what `encode` writes, and has the handler flushed at the end of the turn.
  package mutating func write(_ encode: (inout ByteBuffer) -> Void) {
    let start = arena.pointee.bytes.count
    encode(&arena.pointee.bytes)
    write(ArenaRange(offset: start, count: arena.pointee.bytes.count - start))
  }

  /// Appends bytes that this turn encoded into the loop's arena, for this and other sockets.
  package mutating func write(_ range: ArenaRange) {
    guard range.count > 0, descriptor >= 0 else { return }
    segmentBytes += UInt32(range.count)
    if firstSegment == WriteArena.none {
      arena.pointee.unflushedSockets += 1
      loop.scheduleFlush(token)
      firstSegment = arena.pointee.append(range)
      lastSegment = firstSegment
    } else if !arena.pointee.lengthen(lastSegment, by: range) {
      lastSegment = arena.pointee.append(range, after: lastSegment)
    }
  }

  /// Sends what is pending. To be called from the handler's `flush()` and when it is writable.
  package mutating func flush() -> Flushed {
    guard descriptor >= 0 else { return .drained }
    if !backlog.isEmpty {
      if let error = sendBacklog() { return .failed(error) }
    }
    if firstSegment != WriteArena.none {
      if let error = sendSegments() { return .failed(error) }
    }
    updateInterest()
    return backlog.isEmpty ? .drained : .blocked(pendingBytes: pendingBytes)
  }

  private mutating func sendBacklog() -> SystemError? {
    let start = Int(backlogStart)
    let sent = backlog.withUnsafeBytes {
      loop.kernel.send(descriptor, UnsafeRawBufferPointer(rebasing: $0[start...]))
    }
    guard sent >= 0 || sent == -Int(EAGAIN) else {
      return SystemError(code: Int32(-sent), call: "send")
    }
    let gone = start + max(0, sent)
    if gone == backlog.count {
      backlog = []
      backlogStart = 0
    } else if gone > backlog.count / 2 {
      backlog.removeFirst(gone)
      backlogStart = 0
    } else {
      backlogStart = UInt32(gone)
    }
    return nil
  }

  private mutating func sendSegments() -> SystemError? {
    arena.pointee.unflushedSockets -= 1
    let bytes = arena.pointee.bytes.bytes
    var next = firstSegment
    firstSegment = WriteArena.none
    lastSegment = WriteArena.none
    segmentBytes = 0
    // What the kernel refused must go out first: behind it everything is kept.
    while backlog.isEmpty, next != WriteArena.none {
      let first = arena.pointee.segments[Int(next)]
      if first.next == WriteArena.none {
        let segment = UnsafeRawBufferPointer(rebasing: bytes[first.range])
        let sent = loop.kernel.send(descriptor, segment)
        next = first.next
        if let error = keep(segment, after: sent) { return error }
      } else if let error = sendVectors(from: &next, in: bytes) {
        return error
      }
    }
    while next != WriteArena.none {
      let segment = arena.pointee.segments[Int(next)]
      backlog.append(contentsOf: bytes[segment.range])
      next = segment.next
    }
    return nil
  }

  /// Sends up to `vectorsMax` segments with one call and moves `next` behind them.
  private mutating func sendVectors(
    from next: inout Int32, in bytes: UnsafeRawBufferPointer
  ) -> SystemError? {
    let first = next
    let descriptor = descriptor
    let (sent, after) = withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) {
      vectors in
      var count = 0
      var index = first
      while index != WriteArena.none, count < Self.vectorsMax {
        let segment = arena.pointee.segments[Int(index)]
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + segment.range.offset)
        vectors[count] = iovec(iov_base: base, iov_len: segment.range.count)
        count += 1
        index = segment.next
      }
      return (loop.kernel.send(descriptor, UnsafeBufferPointer(rebasing: vectors[..<count])), index)
    }
    next = after
    var index = first
    var left = sent
    while index != after {
      let segment = arena.pointee.segments[Int(index)]
      let taken = left < 0 ? left : min(left, segment.range.count)
      if let error = keep(UnsafeRawBufferPointer(rebasing: bytes[segment.range]), after: taken) {
        return error
      }
      left = left < 0 ? left : left - taken
      index = segment.next
    }
    return nil
  }

  /// Keeps a copy of what is left of `segment` after the kernel took `sent` bytes of it.
  private mutating func keep(_ segment: UnsafeRawBufferPointer, after sent: Int) -> SystemError? {
    if sent == segment.count { return nil }
    guard sent >= 0 || sent == -Int(EAGAIN) else {
      return SystemError(code: Int32(-sent), call: "send")
    }
    backlog.append(contentsOf: segment[max(0, sent)...])
    return nil
  }

  private mutating func updateInterest() {
    guard isConnected else { return }
    var interest: Readiness = []
    if isReading { interest.insert(.readable) }
    if !backlog.isEmpty { interest.insert(.writable) }
    guard interest != self.interest else { return }
    self.interest = interest
    loop.setInterest(interest, for: token)
  }

  /// Sends no more, but still receives.
  package mutating func shutdownWriting() {
    guard descriptor >= 0 else { return }
    // Fails when the peer has gone, which the next read tells.
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Closes at once; what is pending is lost.
  package mutating func close() {
    guard descriptor >= 0 else { return }
    if firstSegment != WriteArena.none { arena.pointee.unflushedSockets -= 1 }
    firstSegment = WriteArena.none
    lastSegment = WriteArena.none
    segmentBytes = 0
    backlog = []
    backlogStart = 0
    loop.remove(token)
    loop.kernel.close(descriptor)
    descriptor = -1
  }
}

extension UnsafeRawBufferPointer {
  fileprivate subscript(range: ArenaRange) -> Slice<UnsafeRawBufferPointer> {
    self[range.offset..<range.offset + range.count]
  }
}

extension EventLoop {
  /// Encodes something that several sockets of this loop will write in this turn.
  ///
  /// `encode` gives the part of the buffer that is to be sent; it appends and changes nothing else.
  package func encode(_ encode: (inout ByteBuffer) -> Range<Int>) -> ArenaRange {
    let range = encode(&arena.pointee.bytes)
    return ArenaRange(offset: range.lowerBound, count: range.count)
  }
}
