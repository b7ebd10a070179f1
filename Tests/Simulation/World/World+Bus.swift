import ChatCore
import ChatProtocol

// The bus carries the bytes that nodes give it and nothing else.
extension World {
  /// Publishes what a turn gathered, as the real bus does: for each destination one batch after the
  /// other, each as full as it may be.
  func publish(
    _ publications: [(destination: Destination, envelope: Envelope)], from sender: SimulatedNode
  ) {
    var batches: [Batch] = []
    for (destination, envelope) in publications {
      if !batches.contains(where: { $0.destination == destination }) {
        batches.append(Batch(to: destination, from: sender.id))
      }
      guard let batch = batches.first(where: { $0.destination == destination }) else { continue }
      var appended = batch.encoder.append(envelope)
      if appended == .full {
        publish(batch, from: sender)
        appended = batch.encoder.append(envelope)
      }
      if appended == .appended {
        batch.envelopes.append(envelope)
      } else {
        violations.append("\(sender.id) cannot encode \(envelope.summary)")
      }
    }
    for batch in batches { publish(batch, from: sender) }
  }

  /// The envelopes for one destination.
  private final class Batch {
    let destination: Destination
    var encoder: EnvelopeEncoder
    var envelopes: [Envelope] = []

    init(to destination: Destination, from node: NodeID) {
      self.destination = destination
      encoder = EnvelopeEncoder(sender: node)
    }
  }

  private func publish(_ batch: Batch, from sender: SimulatedNode) {
    let envelopes = batch.envelopes
    guard !envelopes.isEmpty else { return }
    batch.envelopes = []
    let bytes = batch.encoder.finish(publishedAt: UInt64(wall) * 1_000_000)
    guard decode(bytes) == envelopes else {
      violations.append(
        "\(sender.id) publishes \(envelopes.map(\.summary)), which is read otherwise")
      return
    }
    switch batch.destination {
    case .node(let id): carry(bytes, from: sender, to: id)
    case .all:
      for node in nodes where node.id != sender.id { carry(bytes, from: sender, to: node.id) }
    }
  }

  private func decode(_ bytes: [UInt8]) -> [Envelope] {
    do throws(EnvelopeError) {
      return try bytes.span.bytes.withUnsafeBytes { (bytes) throws(EnvelopeError) in
        try EnvelopeBatch(decoding: bytes).envelopes
      }
    } catch {
      violations.append("a batch of \(bytes.count) bytes cannot be decoded: \(error)")
      return []
    }
  }

  private func carry(_ batch: [UInt8], from sender: SimulatedNode, to id: NodeID) {
    precondition(id != sender.id, "a node published to itself")
    guard !isBusDown, isAtRest || !chance(faults.batchesLost) else { return lost(batch) }
    let arrival = busOrder["\(sender.id)>\(id)", default: Channel()].next(
      now, delay(upTo: faults.busDelayMax))
    schedule(at: arrival) { [self] in
      guard let node = nodes.first(where: { $0.id == id }), node.isUp else {
        lost(batch)
        if chance(500) { tell(sender, .returned(decode(batch), from: id)) }
        return
      }
      tell(node, .arrived(decode(batch)))
    }
  }

  private func lost(_ batch: [UInt8]) {
    for envelope in decode(batch) {
      switch envelope {
      case .replace(let user, let device, _), .restore(let user, let device, _):
        handoversLost.insert("\(user)/\(device)")
      case .deliver, .relay, .signal: break
      }
    }
  }
}
