/// Blocks of memory for what the sockets of one loop cannot send yet.
///
/// Some that are free are kept: readers that fall behind and readers that are closed for it come
/// together, and new memory costs a page fault for each block.
struct BlockPool: ~Copyable {
  struct Block {
    fileprivate(set) var next: UnsafeMutablePointer<Block>?
    /// What is taken of `bytes(of:)`.
    var start = 0
    var end = 0
  }

  /// With malloc's own header, a page.
  static let blockBytes = 4096 - 16
  /// Of a block, for its owner.
  static let capacity = blockBytes - MemoryLayout<Block>.size
  /// Free blocks kept: 4 MiB.
  static let keptMax = 1024

  private var free: UnsafeMutablePointer<Block>?
  private var freeCount = 0
  /// Blocks that have an owner.
  private var takenCount = 0

  var takenBytes: Int { takenCount * Self.blockBytes }

  deinit {
    var next = free
    while let block = next {
      next = block.pointee.next
      UnsafeMutableRawPointer(block).deallocate()
    }
  }

  static func bytes(of block: UnsafeMutablePointer<Block>) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(block + 1)
  }

  /// An empty block, linked behind `tail`, the last of a ring, or a ring by itself.
  mutating func take(behind tail: UnsafeMutablePointer<Block>?) -> UnsafeMutablePointer<Block> {
    takenCount += 1
    let block: UnsafeMutablePointer<Block>
    if let free {
      block = free
      self.free = free.pointee.next
      freeCount -= 1
    } else {
      block = UnsafeMutableRawPointer.allocate(byteCount: Self.blockBytes, alignment: 16)
        .bindMemory(to: Block.self, capacity: 1)
    }
    block.initialize(to: Block(next: tail?.pointee.next ?? block))
    tail?.pointee.next = block
    return block
  }

  /// Takes back the first block of the ring that ends with `tail`; gives the ring's last block.
  mutating func takeBackFirst(
    of tail: UnsafeMutablePointer<Block>
  ) -> UnsafeMutablePointer<Block>? {
    guard let first = tail.pointee.next else { return nil }
    let isOnly = first == tail
    tail.pointee.next = first.pointee.next
    takenCount -= 1
    if freeCount < Self.keptMax {
      first.pointee.next = free
      free = first
      freeCount += 1
    } else {
      UnsafeMutableRawPointer(first).deallocate()
    }
    return isOnly ? nil : tail
  }
}
