internal import CLinux
internal import Glibc

/// A host name that could not be turned into an address.
package struct ResolveError: Error, Sendable, CustomStringConvertible {
  package let host: String
  package let reason: String

  package var description: String { "cannot resolve \(host): \(reason)" }
}

/// Names to addresses through the system's resolver, for one loop.
package final class Resolver {
  package typealias Answer = Result<[SocketAddress], ResolveError>

  /// Look-ups under way. An object of its own because the mailbox outlives the resolver.
  private final class Pending {
    var replies: [UInt64: (Answer) -> Void] = [:]
    var count: UInt64 = 0
  }

  package typealias LookUp =
    @Sendable (_ host: String, _ port: UInt16) throws(ResolveError) -> [SocketAddress]

  private let lookUp: LookUp
  private let pending = Pending()
  private let answers: Mailbox<(id: UInt64, answer: Answer)>

  /// - Parameter lookUp: may block.
  package init(
    on loop: EventLoop, lookUp: @escaping LookUp = Resolver.resolve(host:port:)
  ) {
    self.lookUp = lookUp
    answers = loop.makeMailbox { [pending] batch in
      for (id, answer) in batch { pending.replies.removeValue(forKey: id)?(answer) }
    }
  }

  /// Looks the name up on a thread of its own; `reply` runs on the loop, never within this call.
  package func resolve(host: String, port: UInt16, reply: @escaping (Answer) -> Void) {
    pending.count += 1
    pending.replies[pending.count] = reply
    let (id, answers, lookUp) = (pending.count, answers, lookUp)
    let answer = { @Sendable in
      answers.post((id, Answer { () throws(ResolveError) in try lookUp(host, port) }))
    }
    if SocketAddress(numericHost: host, port: port) == nil {
      Thread.detached(answer)
    } else {
      answer()
    }
  }

  /// Blocks for as long as the system's resolver does: never to be called on a loop.
  package static func resolve(
    host: String, port: UInt16
  ) throws(ResolveError) -> [SocketAddress] {
    if let numeric = SocketAddress(numericHost: host, port: port) { return [numeric] }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, String(port), &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard result == 0 else {
      throw ResolveError(host: host, reason: String(cString: gai_strerror(result)))
    }
    var addresses: [SocketAddress] = []
    var entry = found
    while let info = entry {
      if let address = info.pointee.ai_addr.flatMap({ SocketAddress($0) }) {
        addresses.append(address)
      }
      entry = info.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw ResolveError(host: host, reason: "no addresses") }
    return addresses
  }
}
