extension Dictionary {
  /// Entries whose room is kept, whatever becomes of them.
  private static var roomKept: Int { 1024 }

  /// Gives memory back when less than a quarter of the room is used; to be called after removals.
  ///
  /// Moves all entries, at most a third of what the last growth moved, and has room for as many
  /// again afterwards: the cost per removal is constant.
  package mutating func shrinkIfSparse() {
    guard capacity > Self.roomKept, count < capacity / 4 else { return }
    var smaller = Dictionary(minimumCapacity: Swift.max(count * 2, Self.roomKept / 2))
    for (key, value) in self { smaller.updateValue(value, forKey: key) }
    self = smaller
  }
}
