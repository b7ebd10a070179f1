import Testing

@testable import ChatBackends

struct PublishQueueTests {
  private func publication(_ number: Int, envelopes: Int = 1, bytes: Int = 1) -> Publication {
    Publication(
      key: "k\(number)", body: [UInt8](repeating: 0, count: bytes), envelopes: envelopes)
  }

  private func keys(_ queue: PublishQueue) -> [String] {
    var queue = queue
    var keys: [String] = []
    queue.connectionLost()
    while let next = queue.next {
      keys.append(next.key)
      queue.published(tag: UInt64(keys.count))
    }
    return keys
  }

  @Test func `publishes in order and forgets what is confirmed`() {
    var queue = PublishQueue()
    for number in 1...4 { #expect(queue.append(publication(number)) == 0) }
    for tag in 1...3 { queue.published(tag: UInt64(tag)) }
    queue.confirmed(tag: 2, isMultiple: true)
    #expect(queue.envelopes == 2)
    #expect(queue.next?.key == "k4")
    queue.published(tag: 4)
    queue.confirmed(tag: 4, isMultiple: false)
    #expect(queue.envelopes == 1 && keys(queue) == ["k3"])
    queue.confirmed(tag: 3, isMultiple: false)
    #expect(queue.isEmpty)
  }

  @Test func `what was unconfirmed is published again before the rest`() {
    var queue = PublishQueue()
    for number in 1...5 { _ = queue.append(publication(number)) }
    for tag in 1...4 { queue.published(tag: UInt64(tag)) }
    queue.confirmed(tag: 2, isMultiple: false)
    #expect(keys(queue) == ["k1", "k3", "k4", "k5"])
    #expect(queue.envelopes == 4)
  }

  @Test func `the oldest are dropped beyond the bound of envelopes`() {
    var queue = PublishQueue(envelopesMax: 10)
    for number in 1...3 { #expect(queue.append(publication(number, envelopes: 3)) == 0) }
    queue.published(tag: 1)
    #expect(queue.append(publication(4, envelopes: 3)) == 3)
    #expect(queue.append(publication(5, envelopes: 3)) == 3)
    #expect(queue.envelopes == 9 && keys(queue) == ["k3", "k4", "k5"])
    // The dropped one's confirmation changes nothing.
    queue.confirmed(tag: 1, isMultiple: false)
    #expect(queue.envelopes == 9)
  }

  @Test func `the oldest are dropped beyond the bound of bytes and the newest stays`() {
    var queue = PublishQueue(bytesMax: 100)
    _ = queue.append(publication(1, bytes: 60))
    #expect(queue.append(publication(2, bytes: 60)) == 1)
    #expect(queue.append(publication(3, bytes: 600)) == 1)
    #expect(keys(queue) == ["k3"])
  }

  @Test func `confirmations that the broker made up are ignored`() {
    var queue = PublishQueue()
    _ = queue.append(publication(1))
    queue.published(tag: 1)
    for tag in [0, 2, 77, UInt64.max] { queue.confirmed(tag: tag, isMultiple: tag == 77) }
    #expect(queue.envelopes == 1)
    queue.confirmed(tag: 1, isMultiple: true)
    queue.confirmed(tag: 1, isMultiple: true)
    #expect(queue.isEmpty)
  }
}
