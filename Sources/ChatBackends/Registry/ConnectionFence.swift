internal import RedisClient

/// Keeps what a lost connection left with Redis from taking effect behind what the next one says.
///
/// A Redis that was frozen may have commands of a connection that was given up long ago, and works
/// them off while it already answers the next connection: an old removal would then undo a new
/// subscription. So the next connection's first command ends the former, with all that was not done
/// yet. Redis numbers its connections anew when it starts, so the address is compared too.
///
/// Redis before 6.2 does not say how a connection is called there, and an account may lack the
/// right to end it. Then such a change stands until the hub makes its next.
struct ConnectionFence {
  private var former: (id: String, address: String)?

  /// What to send first on a connection.
  var command: RedisCommand? {
    former.map { RedisCommand(["CLIENT", "KILL", "ID", $0.id, "ADDR", $0.address]) }
  }

  /// The answer to `CLIENT INFO`: `id=3 addr=127.0.0.1:50312 laddr=...`.
  mutating func learned(_ info: String) {
    let fields = info.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
    func value(_ name: String) -> String? {
      fields.first { $0.count == 2 && $0[0] == name }.map { String($0[1]) }
    }
    guard let id = value("id"), let address = value("addr") else { return }
    former = (id, address)
  }
}
