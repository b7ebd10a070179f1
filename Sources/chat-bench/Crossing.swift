/// How long after its ack each message of one user was delivered.
///
/// The two are heard of in either order. What is remembered is only what has one of them.
struct Crossing {
  private var ackedAt: [UInt64: UInt64] = [:]
  private var delivered: Set<UInt64> = []

  /// The nanoseconds from ack to delivery, once both are known; zero when the delivery was first.
  mutating func acked(_ number: UInt64, at stamp: UInt64) -> UInt64? {
    if delivered.remove(number) != nil { return 0 }
    ackedAt[number] = stamp
    return nil
  }

  /// Likewise.
  mutating func delivered(_ number: UInt64, at stamp: UInt64) -> UInt64? {
    guard let acked = ackedAt.removeValue(forKey: number) else {
      delivered.insert(number)
      return nil
    }
    return stamp - acked
  }
}
