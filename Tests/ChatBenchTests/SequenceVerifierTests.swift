import Testing

@testable import chat_bench

/// What a device sees of its conversation, in order.
enum Sighting: Sendable {
  case message(UInt64)
  case fetched(UInt64)
  case ack(UInt64)
  case gap(before: UInt64)
  case reconnect
}

@Suite struct SequenceVerifierTests {
  /// The verifier after all of it, and the numbers of the messages that it took for new.
  private func seen(_ sightings: [Sighting]) -> (verifier: SequenceVerifier, new: [UInt64]) {
    var verifier = SequenceVerifier()
    var new: [UInt64] = []
    for sighting in sightings {
      switch sighting {
      case .message(let sequence):
        if verifier.received(sequence) { new.append(sequence) }
      case .fetched(let sequence):
        if verifier.received(sequence, asFetched: true) { new.append(sequence) }
      case .ack(let sequence): verifier.acked(sequence)
      case .gap(let before): verifier.announcedGap(before: before)
      case .reconnect: verifier.reconnected()
      }
    }
    return (verifier, new)
  }

  struct Course: Sendable {
    var name: String
    var sightings: [Sighting]
    var last: UInt64
    var new: [UInt64]
    var outOfOrder = 0
    var duplicated = 0
    var needsFetch = false
  }

  @Test(arguments: [
    Course(
      name: "messages in order",
      sightings: [.message(1), .message(2), .message(3)], last: 3, new: [1, 2, 3]),
    Course(
      name: "an ack ahead of the messages below it is kept",
      sightings: [.message(1), .ack(4), .message(2), .message(3)], last: 4, new: [1, 2, 3]),
    Course(
      name: "acks may come twice",
      sightings: [.ack(1), .ack(1), .ack(3), .ack(3)], last: 1, new: []),
    Course(
      name: "a message that leaves a hole counts once, and the hole is asked for",
      sightings: [.message(1), .message(3), .message(4)], last: 1, new: [1, 3, 4],
      outOfOrder: 1, needsFetch: true),
    Course(
      name: "a hole is filled by history",
      sightings: [.message(1), .message(3), .fetched(2), .fetched(3), .message(4)], last: 4,
      new: [1, 3, 2, 4], outOfOrder: 1),
    Course(
      name: "each new hole counts",
      sightings: [.message(2), .fetched(1), .message(4)], last: 2, new: [2, 1, 4],
      outOfOrder: 2, needsFetch: true),
    Course(
      name: "a message that comes twice counts, also after its ack",
      sightings: [.message(1), .message(1), .ack(2), .message(2)], last: 2, new: [1],
      duplicated: 2),
    Course(
      name: "an announced gap may pass, and is asked for",
      sightings: [.message(1), .gap(before: 4), .message(4), .message(5)], last: 1,
      new: [1, 4, 5], needsFetch: true),
    Course(
      name: "an announced gap is filled by history",
      sightings: [.gap(before: 3), .message(3), .fetched(1), .fetched(2), .fetched(3)], last: 3,
      new: [3, 1, 2]),
    Course(
      name: "a gap below what is there means nothing",
      sightings: [.message(1), .message(2), .gap(before: 2)], last: 2, new: [1, 2]),
    Course(
      name: "what was seen may come again after a reconnect, but once more only",
      sightings: [
        .message(1), .ack(3), .reconnect, .message(1), .message(2), .message(3), .message(4),
        .message(4),
      ], last: 4, new: [1, 2, 4], duplicated: 1),
  ])
  func `applies by number`(course: Course) {
    let (verifier, new) = seen(course.sightings)
    #expect(verifier.last == course.last, "\(course.name)")
    #expect(new == course.new, "\(course.name)")
    #expect(verifier.outOfOrder == course.outOfOrder, "\(course.name)")
    #expect(verifier.duplicated == course.duplicated, "\(course.name)")
    #expect(verifier.needsFetch == course.needsFetch, "\(course.name)")
  }
}

@Suite struct NumberSetTests {
  @Test func `knows each number once, in any order`() {
    var set = NumberSet()
    let numbers: [UInt64] = [0, 3, 1, 3, 2, 7, 0, 5, 7, 4]
    let isNew = numbers.map { set.insert($0) }
    #expect(isNew == [true, true, true, false, true, true, false, true, false, true])
    #expect(set.count == 7)
  }
}
