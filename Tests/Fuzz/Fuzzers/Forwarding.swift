import Forwarding

/// The header that a proxy puts in front of a connection: the same however it is cut, and not a
/// byte of what follows is taken.
func fuzzProxyHeader(_ input: UnsafeRawBufferPointer) {
  let account = Cuts(of: input).claimSameAccount { ProxyHeaderReader() }
  claim(account.taken <= input.count, "no more is taken than is there")
  if case .onBehalf(let address)? = account.header { checkAddress(address) }
}

/// `X-Forwarded-For`, and the networks of the command line.
func fuzzForwardedFor(_ input: UnsafeRawBufferPointer) {
  guard let peer = IPAddress("192.0.2.1") else { return }
  let fields = Array(input).split(separator: 0x0A, omittingEmptySubsequences: false)
  let nobody = TrustedProxies()
  claim(nobody.client(of: peer, forwardedFor: fields) == peer, "a peer that is no proxy is itself")
  for network in ["192.0.2.0/24", "0.0.0.0/0"] {
    let proxies = TrustedProxies([IPNetwork(network)].compactMap(\.self))
    checkAddress(proxies.client(of: peer, forwardedFor: fields))
  }
  let text = String(decoding: input, as: UTF8.self)
  if let network = IPNetwork(text) {
    claimEqual(IPNetwork(network.description), network, "the network read again")
  }
}

private func checkAddress(_ address: IPAddress) {
  claimEqual(IPAddress(address.description), address, "the address read again")
}

private struct ProxyHeaderReader: StreamReader {
  struct Account: Equatable {
    var header: ProxyHeader?
    var error: ProxyHeaderError?
    /// Bytes up to the header's end, or to the wrong one.
    var taken = 0
  }

  private var decoder = ProxyHeaderDecoder()
  private(set) var account = Account()

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    var offset = 0
    defer { account.taken += offset }
    do throws(ProxyHeaderError) {
      account.header = try decoder.next(in: UnsafeRawBufferPointer(read), at: &offset)
      claim(account.header != nil || offset == read.count, "the input is used up")
      return account.header == nil
    } catch {
      account.error = error
      return false
    }
  }
}
