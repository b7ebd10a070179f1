import AMQPClient
import ChatBackends
import ChatCore
import Forwarding
import Gateway
import Logging
import Reactor
import RedisClient
import WebSocket

/// A setting that the node cannot run with; `description` is the one line the user sees.
struct SettingsError: Error, CustomStringConvertible {
  let description: String
}

/// What the node runs with: the command line over the environment over the defaults.
struct Settings {
  enum LogFormat: String { case text, json }

  static let retainDaysMax = 36_500

  var node: NodeID
  var listen: SocketAddress
  var opsListen: SocketAddress
  /// What clients connect by TLS with; nil: they connect without.
  var tls: TLSFiles?
  var eventLoops: Int
  /// Where the nodes find each other; nil for a node that is alone.
  var redis: RedisEndpoint?
  var amqp: AMQPEndpoint?
  var database: DatabaseURL
  /// Which pages may connect; nil for those that the node's own address would have served.
  var origins: OriginPolicy?
  /// Who stands in front of the node.
  var proxies: ProxyPolicy
  var connectionsPerAddress: Int
  var sockJS = ChatSockJS()
  var sendsPerMinute: Int
  /// How messages are compressed; nil: not at all.
  var compression: CompressionPolicy?
  /// How long entries of conversations are kept; nil: for ever.
  var retainTime: Duration?
  var drainTime: Duration
  var logLevel: Logger.Level
  var logFormat: LogFormat

  init(_ options: Options, environment: [String: String]) throws(SettingsError) {
    let source = Source(environment: environment)
    let node = source.text("--node-id", options.nodeID, default: "server1")
    guard let node = NodeID(node) else {
      throw SettingsError(description: "--node-id: \(quoted(node)) is not a node name")
    }
    self.node = node
    listen = try source.address("--listen", options.listen, default: "127.0.0.1:8080")
    opsListen = try source.address("--ops-listen", options.opsListen, default: "127.0.0.1:9090")
    tls = try source.tlsFiles(options)
    eventLoops = try source.number(
      "--event-loops", options.eventLoops, default: System.coreCount, in: 1...256)
    redis = try source.location("--redis", options.redis) { RedisEndpoint($0) }
    amqp = try source.location("--amqp", options.amqp) { AMQPEndpoint($0) }
    let directory = source.text("--data-dir", options.dataDir, default: "./data")
    database = try source.database(options.database) ?? .sqlite(path: directory + "/chat.db")
    sendsPerMinute = try source.number(
      "--send-rate", options.sendRate, default: 200, in: 0...1_000_000)
    let contextsMax = try source.number(
      "--compression-contexts", options.compressionContexts, default: 0, in: 0...1_000_000)
    if try source.flag("--compression", options.compression) {
      compression = CompressionPolicy(contextsMax: contextsMax)
    }
    retainTime = try source.span("--retain", options.retain, daysMax: Settings.retainDaysMax)
    drainTime = .seconds(try source.number("--drain", options.drain, default: 30, in: 0...3600))
    logLevel = try source.choice("--log-level", options.logLevel, default: .info)
    logFormat = try source.choice("--log-format", options.logFormat, default: .text)
    origins = try source.origins("--allowed-origin", options.allowedOrigins)
    proxies = ProxyPolicy(
      trusted: try source.networks("--trusted-proxy", options.trustedProxies),
      expectsHeader: try source.flag("--proxy-protocol", options.proxyProtocol))
    connectionsPerAddress = try source.number(
      "--connections-per-address", options.connectionsPerAddress,
      default: GatewayLimits().connectionsPerAddressMax, in: 1...1_000_000)
    sockJS.scriptURL = source.text("--sockjs-url", options.sockjsURL, default: sockJS.scriptURL)
    sockJS.hasScriptTransports = try source.flag("--sockjs-scripts", options.sockjsScripts)

    let isInsecure = try source.flag("--insecure-open", options.insecureOpen)
    guard listen.isLoopback || isInsecure else {
      throw SettingsError(
        description: """
          --listen \(listen): without sign-in anybody could be anybody there; listen on a \
          loopback address, or say --insecure-open
          """)
    }
    guard !proxies.expectsHeader || !proxies.trusted.isEmpty else {
      throw SettingsError(
        description: "--proxy-protocol: nobody could connect without a --trusted-proxy")
    }
    guard (redis == nil) == (amqp == nil) else {
      throw SettingsError(
        description: "--redis and --amqp belong together: a node alone needs neither")
    }
    if case .sqlite = database, redis != nil {
      throw SettingsError(
        description: "--redis: nodes that find each other need one --database, a postgres:// one")
    }
  }
}

/// Looks a setting up on the command line, then in the environment.
private struct Source {
  let environment: [String: String]

  /// `--node-id` is CHAT_NODE_ID in the environment.
  private func variable(of option: String) -> String {
    "CHAT_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
  }

  func optionalText(_ option: String, _ value: String?) -> String? {
    let found = value ?? environment[variable(of: option)]
    return found?.isEmpty == true ? nil : found
  }

  /// What is switched on by its name on the command line, and either way in the environment.
  func flag(_ option: String, _ isGiven: Bool) throws(SettingsError) -> Bool {
    guard !isGiven, let text = optionalText(option, nil) else { return isGiven }
    switch text.lowercased() {
    case "true", "1", "yes", "on": return true
    case "false", "0", "no", "off": return false
    default:
      throw SettingsError(
        description: "\(variable(of: option)): \(quoted(text)) is neither true nor false")
    }
  }

  func text(_ option: String, _ value: String?, default fallback: String) -> String {
    optionalText(option, value) ?? fallback
  }

  func number(
    _ option: String, _ value: String?, default fallback: Int, in range: ClosedRange<Int>
  ) throws(SettingsError) -> Int {
    guard let text = optionalText(option, value) else { return fallback }
    guard let number = Int(text), range.contains(number) else {
      throw SettingsError(
        description: """
          \(option): \(quoted(text)) is not a number from \(range.lowerBound) to \
          \(range.upperBound)
          """)
    }
    return number
  }

  /// A number with its unit: days, hours, minutes or seconds.
  func span(_ option: String, _ value: String?, daysMax: Int) throws(SettingsError) -> Duration? {
    guard let text = optionalText(option, value) else { return nil }
    let units: [Character: Int] = ["d": 86_400, "h": 3_600, "m": 60, "s": 1]
    let secondsMax = daysMax * 86_400
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()),
      (1...secondsMax / unit).contains(count)
    else {
      throw SettingsError(
        description: "\(option): \(quoted(text)) is not a time like 365d, from 1s to \(daysMax)d")
    }
    return .seconds(count * unit)
  }

  func address(
    _ option: String, _ value: String?, default fallback: String
  ) throws(SettingsError) -> SocketAddress {
    let text = text(option, value, default: fallback)
    guard let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...]),
      let address = SocketAddress(
        numericHost: text[..<colon].trimmingBrackets(), port: port)
    else {
      throw SettingsError(
        description: "\(option): \(quoted(text)) is not ADDRESS:PORT with a numeric address")
    }
    return address
  }

  func tlsFiles(_ options: Options) throws(SettingsError) -> TLSFiles? {
    let certificate = optionalText("--tls-cert", options.tlsCert)
    let key = optionalText("--tls-key", options.tlsKey)
    switch (certificate, key) {
    case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
    case (nil, nil): return nil
    case (_?, nil), (nil, _?):
      throw SettingsError(description: "--tls-cert and --tls-key belong together")
    }
  }

  /// A URL, which may hold a password and is therefore not repeated in the error.
  func location<Location>(
    _ option: String, _ value: String?, _ parse: (String) -> Location?
  ) throws(SettingsError) -> Location? {
    guard let text = optionalText(option, value) else { return nil }
    guard let location = parse(text) else {
      throw SettingsError(description: "\(option): not a URL of the form that --help shows")
    }
    return location
  }

  func database(_ value: String?) throws(SettingsError) -> DatabaseURL? {
    guard let text = optionalText("--database", value) else { return nil }
    do throws(DatabaseURL.ParseError) {
      return try DatabaseURL(text)
    } catch {
      throw SettingsError(description: "--database: \(error)")
    }
  }

  /// An option that may come several times, in the environment with commas between.
  private func list(_ option: String, _ values: [String]) -> [Substring]? {
    optionalText(option, values.isEmpty ? nil : values.joined(separator: ","))?
      .split(separator: ",")
  }

  func networks(_ option: String, _ values: [String]) throws(SettingsError) -> TrustedProxies {
    var networks: [IPNetwork] = []
    for text in list(option, values) ?? [] {
      guard let network = IPNetwork(String(text)) else {
        throw SettingsError(
          description: """
            \(option): \(quoted(String(text))) is not a network like 10.0.0.0/8, with no bits set \
            behind the prefix, nor an address
            """)
      }
      networks.append(network)
    }
    return TrustedProxies(networks)
  }

  func origins(
    _ option: String, _ values: [String]
  ) throws(SettingsError) -> OriginPolicy? {
    guard let texts = list(option, values) else { return nil }
    var allowed: Set<Origin> = []
    for text in texts where text != "*" {
      guard let origin = Origin(String(text)) else {
        throw SettingsError(
          description: "\(option): \(quoted(String(text))) is not like https://chat.example")
      }
      allowed.insert(origin)
    }
    return texts.contains("*") ? .any : .only(allowed)
  }

  func choice<Choice: RawRepresentable>(
    _ option: String, _ value: String?, default fallback: Choice
  ) throws(SettingsError) -> Choice where Choice.RawValue == String {
    guard let text = optionalText(option, value) else { return fallback }
    guard let choice = Choice(rawValue: text) else {
      throw SettingsError(description: "\(option): \(quoted(text)) is not one of its values")
    }
    return choice
  }
}

extension Substring {
  /// `[::1]` without its brackets.
  fileprivate func trimmingBrackets() -> String {
    hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : String(self)
  }
}

/// A value of the user's in an error message: one line, cut, without control characters.
private func quoted(_ text: String) -> String {
  let printable = text.utf8.prefix(80).map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }
  return "'" + String(decoding: printable, as: UTF8.self) + "'"
}
