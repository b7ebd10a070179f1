internal import CLinux

/// What the kernel did not take of a socket's bytes, in order: a ring of blocks of the loop's pool.
///
/// Not one array: growing by doubling it copied every byte twice and had new pages each time, so that
/// one message for twenty slow readers held up the loop for 14 milliseconds.
///
/// Its owner empties it before it goes.
struct Backlog {
  /// The last block, whose `next` is the first; nil when there is nothing.
  private var last: UnsafeMutablePointer<BlockPool.Block>?
  private var byteCount: UInt32 = 0

  var isEmpty: Bool { last == nil }

  /// Below 4 GiB.
  var count: Int { Int(byteCount) }

  mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: inout BlockPool) {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let block = blockWithRoom(from: &pool)
      let count = min(rest.count, BlockPool.capacity - block.pointee.end)
      (BlockPool.bytes(of: block) + block.pointee.end).copyMemory(from: start, byteCount: count)
      block.pointee.end += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    byteCount += UInt32(bytes.count)
  }

  private mutating func blockWithRoom(
    from pool: inout BlockPool
  ) -> UnsafeMutablePointer<BlockPool.Block> {
    if let last, last.pointee.end < BlockPool.capacity { return last }
    let block = pool.take(behind: last)
    last = block
    return block
  }

  /// The first bytes, as many as `vectors` has room for; gives how many of those are used.
  func fill(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
    var count = 0
    var next = last?.pointee.next
    while let block = next, count < vectors.count {
      let bytes = BlockPool.bytes(of: block) + block.pointee.start
      vectors[count] = iovec(iov_base: bytes, iov_len: block.pointee.end - block.pointee.start)
      count += 1
      next = block == last ? nil : block.pointee.next
    }
    return count
  }

  /// Forgets the first `count` bytes; there are so many.
  mutating func removeFirst(_ count: Int, to pool: inout BlockPool) {
    byteCount -= UInt32(count)
    var left = count
    while left > 0, let tail = last, let first = tail.pointee.next {
      let held = first.pointee.end - first.pointee.start
      guard left >= held else {
        first.pointee.start += left
        return
      }
      left -= held
      last = pool.takeBackFirst(of: tail)
    }
  }

  mutating func removeAll(to pool: inout BlockPool) { removeFirst(count, to: &pool) }
}
