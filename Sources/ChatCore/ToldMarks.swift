import ChatProtocol

/// How far each member was last told to have received and read: what a newer signal has overtaken on
/// its way is not told any more.
///
/// Bounded. Marks leave by age: two generations, of which the older is dropped when the younger is full
/// or has had its time. A signal that is late by more than that may be told.
struct ToldMarks {
  private let countMax: Int
  private let ageMax: Int64
  private var young: [MarkKey: PeerMarks] = [:]
  private var old: [MarkKey: PeerMarks] = [:]
  private var youngSince: Int64 = 0

  /// - Parameters:
  ///   - countMax: of each generation.
  ///   - ageMax: nanoseconds of each generation.
  init(countMax: Int, ageMax: Int64) {
    self.countMax = countMax
    self.ageMax = ageMax
  }

  /// Marks held, some of them perhaps twice.
  var count: Int { young.count + old.count }

  /// What is to be told of these marks: with what is known to be higher in place of what is lower, and
  /// nil when nothing of them is news. The same marks again are: they may be for somebody else.
  mutating func raise(_ marks: PeerMarks, of key: MarkKey, now: Int64) -> PeerMarks? {
    if now - youngSince >= ageMax || young.count >= countMax && young[key] == nil {
      old = now - youngSince < 2 * ageMax ? young : [:]
      young = [:]
      youngSince = now
    }
    guard let told = young[key] ?? old[key] else {
      young[key] = marks
      return marks
    }
    let highest = PeerMarks(
      received: max(told.received, marks.received), read: max(told.read, marks.read))
    young[key] = highest
    return highest == told && marks != told ? nil : highest
  }
}
