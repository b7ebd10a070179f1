/// A parser that is fed a stream read by read, and keeps account of what it made of it.
protocol StreamReader: ~Copyable {
  associatedtype Account: Equatable

  /// The same however the stream was cut into reads.
  var account: Account { get }

  /// Takes the next read; false when the connection would be closed.
  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool
}

/// Ways in which a stream may be cut into reads, fixed by its bytes.
///
/// So an input is nothing but what a peer sends, and a crash comes again from the file alone.
struct Cuts {
  /// Of a longer input only the first bytes come one by one: each is an allocation.
  private static let singleBytesMax = 4_096

  private let input: UnsafeRawBufferPointer
  private var random: SplitMix64

  init(of input: UnsafeRawBufferPointer) {
    self.input = input
    random = SplitMix64(hashing: input)
  }

  /// Claims that a reader gives the same account of the input whole, byte by byte, and cut at
  /// random; returns it.
  func claimSameAccount<Reader: StreamReader & ~Copyable>(_ make: () -> Reader) -> Reader.Account {
    let whole = account([input.count], make)
    claimEqual(whole, account(singleBytes, make), "the account of single bytes")
    var cuts = self
    for _ in 0..<2 {
      let lengths = cuts.randomLengths()
      claimEqual(whole, account(lengths, make), "the account of reads of \(lengths) bytes")
    }
    return whole
  }

  private var singleBytes: [Int] {
    let singles = min(input.count, Self.singleBytesMax)
    return Array(repeating: 1, count: singles) + [input.count - singles]
  }

  /// Mostly short ones, since headers are.
  private mutating func randomLengths() -> [Int] {
    var lengths: [Int] = []
    var left = input.count
    while left > 0 {
      let bound = Bool.random(using: &random) ? 8 : 256
      let length = min(left, Int.random(in: 1...bound, using: &random))
      lengths.append(length)
      left -= length
    }
    return lengths
  }

  /// Each read lies in an allocation of just its size, so that a byte beyond it is seen.
  private func account<Reader: StreamReader & ~Copyable>(
    _ lengths: [Int], _ make: () -> Reader
  ) -> Reader.Account {
    var reader = make()
    var start = 0
    for length in lengths {
      let read = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
      defer { read.deallocate() }
      read.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<(start + length)]))
      start += length
      guard reader.take(read) else { break }
    }
    return reader.account
  }
}

/// A generator whose sequence the input fixes.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  /// FNV-1a.
  init(hashing input: UnsafeRawBufferPointer) {
    state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
