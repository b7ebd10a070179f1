internal import Synchronization

/// Whether a back end can be used at present, to be read from any thread.
package final class LinkStatus: Sendable {
  private let flag = Atomic<Bool>(false)

  init() {}

  package var isUp: Bool { flag.load(ordering: .relaxed) }

  func set(isUp: Bool) { flag.store(isUp, ordering: .relaxed) }
}
