internal import AMQPClient
internal import ChatCore
internal import FaultInjection
internal import Logging
internal import Reactor

/// The envelopes for one destination that are published next. An object, so that it can be kept in a
/// dictionary with its buffer.
final class OpenBatch {
  let key: String
  var encoder: EnvelopeEncoder

  init(to destination: Destination, from node: NodeID) {
    key = BusTopology.key(to: destination)
    encoder = EnvelopeEncoder(sender: node)
  }
}

// MARK: - Publishing

extension RabbitMQBusWorker {
  /// Destinations whose buffers are kept from one turn to the next.
  static let openBatchesMax = 1_024

  func gather(_ envelopes: [(destination: Destination, envelope: Envelope)]) {
    var last: (destination: Destination, batch: OpenBatch)?
    for (destination, envelope) in envelopes {
      // Mostly the same as before, and cheaper to compare than to look up.
      if last?.destination != destination { last = (destination, openBatch(to: destination)) }
      guard let batch = last?.batch else { continue }
      var appended = batch.encoder.append(envelope)
      if appended == .full {
        close(batch)
        appended = batch.encoder.append(envelope)
      }
      // Not as after an outage: to tell everybody to look again would not help this one.
      if appended == .tooLarge { counters.dropped(envelopes: 1) }
    }
  }

  private func openBatch(to destination: Destination) -> OpenBatch {
    if let open = openBatches[destination] { return open }
    let batch = OpenBatch(to: destination, from: node)
    openBatches[destination] = batch
    return batch
  }

  private func close(_ batch: OpenBatch) {
    let count = batch.encoder.count
    guard count > 0 else { return }
    let body = batch.encoder.finish(publishedAt: wallClock())
    dropped(queue.append(Publication(key: batch.key, body: body, envelopes: count)))
  }

  private func dropped(_ count: Int) {
    guard count > 0 else { return }
    counters.dropped(envelopes: count)
    hasDropped = true
  }

  func publishGathered() {
    for batch in openBatches.values { close(batch) }
    if openBatches.count > Self.openBatchesMax { openBatches.removeAll() }
    guard drain() else { return }
    // Before the turn's other writes: each may wake a process that then has this processor.
    publisher.flush()
    FailPoint.afterPublish.pass()
    postponeConfirmations()
  }

  /// Publishes what waits, as far as the broker and the socket take it; says whether anything was.
  @discardableResult
  func drain() -> Bool {
    var hasPublished = false
    while !isBlocked, let next = queue.next,
      let tag = publisher.publish(next.body, exchange: BusTopology.exchange, key: next.key)
    {
      queue.published(tag: tag)
      counters.published(envelopes: next.envelopes)
      hasPublished = true
    }
    counters.queue(envelopes: queue.envelopes)
    return hasPublished
  }

  func publisherEvent(_ event: AMQPEvent) {
    switch event {
    case .ready: publisherReady()
    case .confirmed(let tag, let isMultiple, let isAccepted):
      // Refused means that the broker failed: the store has what it lost.
      if !isAccepted { hasDropped = true }
      queue.confirmed(tag: tag, isMultiple: isMultiple)
    case .caughtUp:
      confirmationsRead()
      drain()
      reportDropped()
      stopIfDrained()
    case .returned(_, let key, let body): returned(key, body)
    case .blocked(let reason):
      isBlocked = true
      log.warning("broker takes no messages", metadata: ["broker.reason": "\(reason)"])
    case .unblocked:
      isBlocked = false
      log.info("broker takes messages again")
      drain()
    case .writable: drain()
    case .lost(let failure): publisherLost(failure)
    case .delivered, .consumerCancelled: break
    }
  }

  private func returned(_ key: String, _ body: UnsafeRawBufferPointer) {
    // No node has a queue yet: nobody missed anything.
    guard let node = BusTopology.node(of: key) else { return }
    do throws(EnvelopeError) {
      let batch = try EnvelopeBatch(decoding: body)
      counters.returned(envelopes: batch.envelopes.count)
      outputs.events(.returned(batch.envelopes, from: node))
    } catch {
      receivedUndecodable(0, body.count, error)
    }
  }
}

// MARK: - Consuming

extension RabbitMQBusWorker {
  static let undecodableLogInterval: Duration = .seconds(1)
  /// Well below the prefetch, so that the broker never waits for an acknowledgement.
  static let unacknowledgedMax = Int(BusTopology.prefetch) / 8

  func consumerEvent(_ event: AMQPEvent) {
    switch event {
    case .ready: consumerReady()
    case .delivered(let tag, let key, let body): delivered(tag, key, body)
    case .caughtUp: handOver()
    case .consumerCancelled: consumerInterrupted()
    case .lost(let failure): consumerLost(failure)
    case .returned, .confirmed, .blocked, .unblocked, .writable: break
    }
  }

  private func delivered(_ tag: UInt64, _ key: String, _ body: UnsafeRawBufferPointer) {
    // Acknowledged in any case: a message that cannot be read now never will be.
    unacknowledgedTag = tag
    unacknowledgedCount += 1
    do throws(EnvelopeError) {
      let batch = try EnvelopeBatch(decoding: body)
      if key == BusTopology.allKey, batch.sender == node { return }
      counters.received(envelopes: batch.envelopes.count)
      let now = wallClock()
      outputs.onLatency(now > batch.publishedAt ? now - batch.publishedAt : 0)
      arrived.append(contentsOf: batch.envelopes)
    } catch {
      receivedUndecodable(tag, body.count, error)
    }
  }

  private func receivedUndecodable(_ tag: UInt64, _ bytes: Int, _ error: EnvelopeError) {
    let count = counters.receivedUndecodable()
    if let last = lastUndecodableLog, loop.now - last < Self.undecodableLogInterval { return }
    lastUndecodableLog = loop.now
    log.warning(
      "dropped a message that is no batch of envelopes",
      metadata: [
        "broker.delivery_tag": "\(tag)", "message.bytes": "\(bytes)", "error": "\(error)",
        "dropped.total": "\(count)",
      ])
  }

  /// Envelopes are acknowledged once they are handed over, not when clients have them: what a
  /// crash loses in between is in the store.
  private func handOver() {
    if !arrived.isEmpty {
      outputs.events(.arrived(arrived))
      arrived = []
    }
    if unacknowledgedCount >= Self.unacknowledgedMax {
      acknowledge()
    } else if unacknowledgedCount > 0 {
      scheduleSettling()
    }
  }

  func acknowledge() {
    guard let tag = unacknowledgedTag else { return }
    consumer.acknowledge(upTo: tag)
    unacknowledgedTag = nil
    unacknowledgedCount = 0
  }
}
