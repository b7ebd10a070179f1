internal import Glibc

/// Blocks of memory for what the sockets of one loop cannot send yet, a page each.
///
/// Some that are free are kept as they are: readers that fall behind and readers that are closed for
/// it come together, and a page that is new costs a fault. The pages of the others go back to the
/// system at once; their addresses are used again.
struct BlockPool: ~Copyable {
  struct Block {
    fileprivate(set) var next: UnsafeMutablePointer<Block>?
    /// What is taken of `bytes(of:)`.
    var start = 0
    var end = 0
  }

  static let blockBytes = 4096
  /// Of a block, for its owner.
  static let capacity = blockBytes - MemoryLayout<Block>.size
  /// Free blocks kept with their memory: 1 MiB.
  static let keptMax = 256
  /// Blocks asked of the system at once.
  private static let slabBlocks = 64

  private var kept: UnsafeMutablePointer<Block>?
  private var keptCount = 0
  /// Free blocks without memory; it is there again, zeroed, when it is written to.
  private var empty: [UnsafeMutableRawPointer] = []
  private var slabs: [UnsafeMutableRawPointer] = []
  /// Blocks that have an owner.
  private var takenCount = 0

  var takenBytes: Int { takenCount * Self.blockBytes }

  deinit {
    for slab in slabs { slab.deallocate() }
  }

  static func bytes(of block: UnsafeMutablePointer<Block>) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(block + 1)
  }

  /// An empty block, linked behind `tail`, the last of a ring, or a ring by itself.
  mutating func take(behind tail: UnsafeMutablePointer<Block>?) -> UnsafeMutablePointer<Block> {
    takenCount += 1
    let block = takeFree()
    block.initialize(to: Block(next: tail?.pointee.next ?? block))
    tail?.pointee.next = block
    return block
  }

  private mutating func takeFree() -> UnsafeMutablePointer<Block> {
    if let block = kept {
      kept = block.pointee.next
      keptCount -= 1
      return block
    }
    if empty.isEmpty { addSlab() }
    return empty.removeLast().bindMemory(to: Block.self, capacity: 1)
  }

  private mutating func addSlab() {
    let slab = UnsafeMutableRawPointer.allocate(
      byteCount: Self.slabBlocks * Self.blockBytes, alignment: Self.blockBytes)
    slabs.append(slab)
    for number in 0..<Self.slabBlocks { empty.append(slab + number * Self.blockBytes) }
  }

  /// Takes back the first block of the ring that ends with `tail`; gives the ring's last block.
  mutating func takeBackFirst(
    of tail: UnsafeMutablePointer<Block>
  ) -> UnsafeMutablePointer<Block>? {
    guard let first = tail.pointee.next else { return nil }
    let isOnly = first == tail
    tail.pointee.next = first.pointee.next
    takenCount -= 1
    if keptCount < Self.keptMax {
      first.pointee.next = kept
      kept = first
      keptCount += 1
    } else {
      madvise(first, Self.blockBytes, MADV_DONTNEED)
      empty.append(UnsafeMutableRawPointer(first))
    }
    return isOnly ? nil : tail
  }
}
