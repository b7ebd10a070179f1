import Gateway
import Glibc
import Reactor
import TLS

/// The start of the program, on the first loop: waits for all workers, then has them listen, one
/// after the other, since the first may be given its port by the kernel.
final class EchoStart {
  private(set) var failure: SystemError?
  private let loop: EventLoop
  private var address: SocketAddress
  private let tls: TLSContext?
  private let limits: GatewayLimits
  private var workers: [EchoWorker.Joined?]
  private var inbox: Mailbox<EchoWorker.Joined>?
  private var results: Mailbox<Result<SocketAddress, SystemError>>?
  private var listening = 0

  init(
    on loop: EventLoop, address: SocketAddress, tls: TLSContext?, limits: GatewayLimits,
    workers count: Int
  ) {
    self.loop = loop
    self.address = address
    self.tls = tls
    self.limits = limits
    workers = Array(repeating: nil, count: count)
    inbox = loop.makeMailbox { for worker in $0 { self.joined(worker) } }
    results = loop.makeMailbox { for result in $0 { self.listens(result) } }
  }

  var news: Mailbox<EchoWorker.Joined> {
    guard let inbox else { preconditionFailure("made with the start") }
    return inbox
  }

  private func joined(_ worker: EchoWorker.Joined) {
    workers[worker.index] = worker
    if workers.allSatisfy({ $0 != nil }) { listenNext() }
  }

  private func listenNext() {
    guard listening < workers.count else { return print("listening on \(address)") }
    let all = workers.compactMap(\.self)
    all[listening].orders.post(
      EchoWorker.Order(
        address: address, tls: tls, limits: limits, loops: all.map(\.sockJS)
      ) { [results] in
        results?.post($0)
      })
  }

  private func listens(_ result: Result<SocketAddress, SystemError>) {
    switch result {
    case .success(let bound):
      address = bound
      listening += 1
      listenNext()
      fflush(nil)
    case .failure(let error):
      failure = error
      loop.stop()
    }
  }
}
