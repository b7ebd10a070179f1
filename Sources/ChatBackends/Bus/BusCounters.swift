internal import Synchronization

/// What a bus has done, to be read from any thread.
package final class BusCounters: Sendable {
  package struct Snapshot: Hashable, Sendable {
    package var publishedEnvelopes = 0
    package var publishedMessages = 0
    package var receivedEnvelopes = 0
    package var receivedMessages = 0
    package var returnedEnvelopes = 0
    /// Beyond the bound of the queue, or too large for a message.
    package var droppedEnvelopes = 0
    /// Messages that were no batch of envelopes.
    package var undecodableMessages = 0
    /// Envelopes that wait for the broker or for its confirmation.
    package var queuedEnvelopes = 0
  }

  private let publishedEnvelopes = Atomic<Int>(0)
  private let publishedMessages = Atomic<Int>(0)
  private let receivedEnvelopes = Atomic<Int>(0)
  private let receivedMessages = Atomic<Int>(0)
  private let returnedEnvelopes = Atomic<Int>(0)
  private let droppedEnvelopes = Atomic<Int>(0)
  private let undecodableMessages = Atomic<Int>(0)
  private let queuedEnvelopes = Atomic<Int>(0)

  init() {}

  package var snapshot: Snapshot {
    Snapshot(
      publishedEnvelopes: publishedEnvelopes.load(ordering: .relaxed),
      publishedMessages: publishedMessages.load(ordering: .relaxed),
      receivedEnvelopes: receivedEnvelopes.load(ordering: .relaxed),
      receivedMessages: receivedMessages.load(ordering: .relaxed),
      returnedEnvelopes: returnedEnvelopes.load(ordering: .relaxed),
      droppedEnvelopes: droppedEnvelopes.load(ordering: .relaxed),
      undecodableMessages: undecodableMessages.load(ordering: .relaxed),
      queuedEnvelopes: queuedEnvelopes.load(ordering: .relaxed))
  }

  func published(envelopes: Int) {
    publishedEnvelopes.wrappingAdd(envelopes, ordering: .relaxed)
    publishedMessages.wrappingAdd(1, ordering: .relaxed)
  }

  func received(envelopes: Int) {
    receivedEnvelopes.wrappingAdd(envelopes, ordering: .relaxed)
    receivedMessages.wrappingAdd(1, ordering: .relaxed)
  }

  func returned(envelopes: Int) { returnedEnvelopes.wrappingAdd(envelopes, ordering: .relaxed) }

  func dropped(envelopes: Int) { droppedEnvelopes.wrappingAdd(envelopes, ordering: .relaxed) }

  /// Gives the total.
  func receivedUndecodable() -> Int {
    undecodableMessages.wrappingAdd(1, ordering: .relaxed).newValue
  }

  func queue(envelopes: Int) { queuedEnvelopes.store(envelopes, ordering: .relaxed) }
}

extension BusCounters.Snapshot {
  /// Those of a bus that has done nothing.
  package static var zero: BusCounters.Snapshot { BusCounters.Snapshot() }
}
