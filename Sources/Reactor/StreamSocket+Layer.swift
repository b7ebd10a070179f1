internal import Bytes
internal import Glibc

// The way of a socket's bytes through its layer. Nothing is kept in the layer from one read to the
// next but a part of a record, so a socket whose kernel buffer is empty has nothing to deliver.
extension StreamSocket {
  /// One read, opened in the loop's shared buffer. `wouldBlock` when it was all the layer's own.
  @inline(never)
  mutating func receiveThroughLayer() -> Received {
    guard let layer else { return .wouldBlock }
    let buffer = state.pointee.readBuffer
    let start = StreamLayer.sealedStart
    let count = state.pointee.kernel.receive(
      descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
    guard count != 0 else { return Received(layer.end ?? .ended) }
    guard count > 0 else {
      if count == -Int(EAGAIN) { return .wouldBlock }
      return .failed(.system(SystemError(code: Int32(-count), call: "recv")))
    }
    // Behind its last word a peer has nothing to say.
    if let end = layer.end { return Received(end) }
    let input = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(start + count)])
    let opened = layer.codec.open(input, from: start, sealed: &state.pointee.sealed)
    switch opened.state {
    case .open: break
    case .ended: layer.end = .ended
    case .failed(let reason): layer.end = .failed(.layer(reason))
    }
    if let held = layer.takeHeld(), !held.isEmpty {
      held.withUnsafeBytes { seal($0, with: layer) }
      // The owner was told that it waits, and hears now how far it went.
      state.pointee.handlers.scheduleFlush(token)
    }
    answer(through: layer)
    guard opened.count > 0 else { return layer.end.map { Received($0) } ?? .wouldBlock }
    // The owner gets the bytes first: an end of the input brings it back for the rest.
    if layer.end != nil { shutdown(descriptor, Int32(SHUT_RD)) }
    return .bytes(.init(rebasing: buffer[..<opened.count]))
  }

  /// Sends what the layer has to say by itself.
  private mutating func answer(through layer: StreamLayer) {
    guard state.pointee.sealed.count > 0 else { return }
    if let error = sendSealed(), layer.end == nil { layer.end = .failed(error) }
    guard !backlog.isEmpty else { return }
    updateInterest()
    // The owner bounds it like what it wrote itself.
    state.pointee.handlers.scheduleFlush(token)
  }

  mutating func start(_ layer: StreamLayer) {
    layer.codec.start(&state.pointee.sealed)
    answer(through: layer)
  }

  @inline(never)
  mutating func flushThroughLayer() -> Flushed {
    guard let layer else { return .drained }
    if !backlog.isEmpty {
      if let error = sendBacklog() { return .failed(error) }
    }
    if !written.isEmpty {
      if let error = sendWritten(through: layer) { return .failed(error) }
    }
    updateInterest()
    let isDrained = backlog.isEmpty && layer.held.isEmpty
    return isDrained ? .drained : .blocked(pendingBytes: pendingBytes)
  }

  /// Seals and sends what was written in this turn, or holds it while the layer cannot.
  private mutating func sendWritten(through layer: StreamLayer) -> StreamError? {
    let list = written
    written = WriteList()
    state.pointee.arena.unflushedSockets -= 1
    if case .failed(let error) = layer.end { return error }
    let bytes = buffer.pointee.bytes
    var ranges = list.ranges
    guard layer.isEstablished else {
      while let range = ranges.next(in: state.pointee.arena) {
        layer.held.append(contentsOf: bytes[range])
      }
      return nil
    }
    if let only = list.only {
      seal(UnsafeRawBufferPointer(rebasing: bytes[only]), with: layer)
    } else {
      sealTogether(&ranges, in: bytes, with: layer)
    }
    if case .failed(let error) = layer.end {
      // Nor may it go out on the socket that seals next.
      state.pointee.forgetSealed()
      return error
    }
    return sendSealed()
  }

  /// Many small stretches make few records: each costs 22 bytes and a microsecond.
  private mutating func sealTogether(
    _ ranges: inout WriteList.Ranges, in bytes: UnsafeRawBufferPointer, with layer: StreamLayer
  ) {
    withUnsafeTemporaryAllocation(byteCount: StreamLayer.sealedAtOnce, alignment: 16) { joined in
      var count = 0
      while let range = ranges.next(in: state.pointee.arena) {
        var rest = UnsafeRawBufferPointer(rebasing: bytes[range])
        while !rest.isEmpty {
          let part = UnsafeRawBufferPointer(rebasing: rest.prefix(joined.count - count))
          UnsafeMutableRawBufferPointer(rebasing: joined[count...]).copyMemory(from: part)
          count += part.count
          rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
          guard count == joined.count else { continue }
          seal(UnsafeRawBufferPointer(joined), with: layer)
          count = 0
        }
      }
      if count > 0 { seal(UnsafeRawBufferPointer(rebasing: joined[..<count]), with: layer) }
    }
  }

  private mutating func seal(_ plain: UnsafeRawBufferPointer, with layer: StreamLayer) {
    guard let reason = layer.codec.seal(plain, into: &state.pointee.sealed) else { return }
    layer.end = .failed(.layer(reason))
  }

  private mutating func sendSealed() -> StreamError? {
    let bytes = state.pointee.sealed.bytes
    defer { state.pointee.forgetSealed() }
    // What the kernel refused earlier must go out first.
    guard backlog.isEmpty else {
      keep(bytes)
      return nil
    }
    return keep(bytes, after: state.pointee.kernel.send(descriptor, bytes))
  }

  /// Says the layer's last word, unless the peer would take it for the end of what it has not got.
  mutating func finish(_ layer: StreamLayer) {
    guard backlog.isEmpty, written.isEmpty, layer.held.isEmpty else { return }
    layer.codec.finish(&state.pointee.sealed)
    guard state.pointee.sealed.count > 0 else { return }
    // If it fails or does not fit, the peer notices that the end came without a last word.
    _ = state.pointee.kernel.send(descriptor, state.pointee.sealed.bytes)
    state.pointee.forgetSealed()
  }
}

extension Received {
  fileprivate init(_ end: StreamLayer.End) {
    switch end {
    case .ended: self = .ended
    case .failed(let error): self = .failed(error)
    }
  }
}
