/// A step of a client's request that came to one node and is for a session of another.
///
/// The nodes' transports say these to each other; ChatCore carries them and reads nothing of them.
package struct Relay: Hashable, Sendable {
  /// The request, on the node and loop that it came to.
  package struct Exchange: Hashable, Sendable {
    package var node: NodeID
    package var shard: UInt16
    package var number: UInt64

    package init(node: NodeID, shard: UInt16, number: UInt64) {
      self.node = node
      self.shard = shard
      self.number = number
    }
  }

  /// What the step is; the transport's own number.
  package var kind: UInt8
  package var exchange: Exchange
  package var sender: NodeID
  /// Each of these three has at most 255 bytes.
  package var session: String
  package var user: String
  package var detail: String
  package var number: UInt32
  /// With the rest at most `EnvelopeBatch.loneBytesMax`.
  package var payload: [UInt8]

  package init(
    kind: UInt8, exchange: Exchange, sender: NodeID, session: String, user: String = "",
    detail: String = "", number: UInt32 = 0, payload: [UInt8] = []
  ) {
    self.kind = kind
    self.exchange = exchange
    self.sender = sender
    self.session = session
    self.user = user
    self.detail = detail
    self.number = number
    self.payload = payload
  }
}
