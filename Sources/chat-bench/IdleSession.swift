import Reactor

/// A user who says hello and stays.
final class IdleSession: ChatClientOwner {
  private let worker: Worker
  private var client: ChatClient!
  private var wasReady = false

  init(user: String, plan: Plan, endpoint: Int, worker: Worker) {
    self.worker = worker
    client = ChatClient(user: user, plan: plan, first: endpoint, on: worker.loop, owner: self)
  }

  var isUp: Bool { client.isLive }
  func connect() { client.connect() }
  func leave() { client.leave() }

  func resume() -> [(conversation: String, sequence: UInt64)] { [] }

  func ready() {
    if wasReady {
      worker.sideCameBack()
    } else {
      wasReady = true
      worker.sideBecameReady()
    }
  }

  func received(_ frame: ServerFrame) {}

  func unreadable() { worker.tally.altered += 1 }

  func lost(_ why: Disconnection, wasLive: Bool) {
    worker.sideWasLost(client.user, why, wasLive: wasLive)
  }

  func refused(_ why: String) {
    worker.tally.refused += 1
    worker.say("\(client.user): \(why)")
  }
}
