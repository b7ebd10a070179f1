import ArgumentParser

/// The command line, as it was written. `Settings` turns it into what the node runs with.
struct Options: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat-server",
    abstract: "A node of the chat: holds users' connections and passes their messages on.",
    discussion: """
      Started without servers it is alone and complete, with its messages in SQLite. Nodes that \
      share --redis, --amqp and --database find each other.
      """)

  @Option(help: "This node's name: a-z, 0-9, dot, underscore, hyphen. (env: CHAT_NODE_ID)")
  var nodeID: String?

  @Option(help: "Where clients connect. (env: CHAT_LISTEN; default: 127.0.0.1:8080)")
  var listen: String?

  @Option(help: "Health and metrics. (env: CHAT_OPS_LISTEN; default: 127.0.0.1:9090)")
  var opsListen: String?

  @Option(
    help: """
      A PEM file with a certificate and its chain: clients connect by TLS only. Read again on \
      SIGHUP. (env: CHAT_TLS_CERT)
      """)
  var tlsCert: String?

  @Option(help: "A PEM file with the certificate's key. (env: CHAT_TLS_KEY)")
  var tlsKey: String?

  @Option(help: "Threads that hold connections. (env: CHAT_EVENT_LOOPS; default: one per core)")
  var eventLoops: String?

  @Option(
    help: """
      redis://[user:password@]host[:port][/db], or rediss://...[?ssl_ca_certs=FILE] for TLS \
      (env: CHAT_REDIS)
      """)
  var redis: String?

  @Option(
    help: """
      amqp://[user:password@]host[:port][/vhost], or amqps://...[?cacertfile=FILE] for TLS \
      (env: CHAT_AMQP)
      """)
  var amqp: String?

  @Option(
    help: """
      postgres://[user[:password]@]host[:port]/name[?sslmode=verify-full&sslrootcert=FILE] or \
      sqlite:PATH (env: CHAT_DATABASE)
      """)
  var database: String?

  @Option(
    help: "Where an embedded node keeps its database. (env: CHAT_DATA_DIR; default: ./data)")
  var dataDir: String?

  @Option(
    name: .customLong("allowed-origin"),
    help: """
      A web origin whose pages may connect, such as https://chat.example; '*' for any; \
      repeatable. (env: CHAT_ALLOWED_ORIGIN, comma-separated; default: the node's own address)
      """)
  var allowedOrigins: [String] = []

  @Option(
    name: .customLong("trusted-proxy"),
    help: """
      A proxy, or a network of proxies such as 10.0.0.0/8, whose word is taken for who its clients \
      are; repeatable. (env: CHAT_TRUSTED_PROXY, comma-separated; default: none)
      """)
  var trustedProxies: [String] = []

  @Flag(
    help: """
      Every connection is a trusted proxy's and begins with a PROXY header, version 1 or 2. \
      (env: CHAT_PROXY_PROTOCOL=true)
      """)
  var proxyProtocol = false

  @Option(
    help: """
      Connections of one address with one event loop. (env: CHAT_CONNECTIONS_PER_ADDRESS; \
      default: 5000)
      """)
  var connectionsPerAddress: String?

  @Option(
    help: """
      Where SockJS' iframes load the client's script from. (env: CHAT_SOCKJS_URL; default: a CDN)
      """)
  var sockjsURL: String?

  @Flag(
    help: "Offer SockJS' htmlfile and jsonp to old browsers. (env: CHAT_SOCKJS_SCRIPTS=true)")
  var sockjsScripts = false

  @Option(
    help: """
      Sends per minute of one user, over all devices and nodes, and half of that at once; 0: any \
      number. (env: CHAT_SEND_RATE; default: 200)
      """)
  var sendRate: String?

  @Option(
    help: """
      How long entries are kept, such as 365d: d, h, m or s. Rooms may keep theirs for less. \
      (env: CHAT_RETAIN; default: for ever)
      """)
  var retain: String?

  @Option(help: "Seconds to close connections over at SIGTERM. (env: CHAT_DRAIN; default: 30)")
  var drain: String?

  @Option(help: "trace, debug, info, warning or error. (env: CHAT_LOG_LEVEL; default: info)")
  var logLevel: String?

  @Option(help: "text or json. (env: CHAT_LOG_FORMAT; default: text)")
  var logFormat: String?

  @Flag(help: "Compress messages where the client can do it too. (env: CHAT_COMPRESSION=true)")
  var compression = false

  @Option(
    help: """
      With --compression: connections per event loop that may keep their compression's context \
      between messages, 45 KiB each. (env: CHAT_COMPRESSION_CONTEXTS; default: 0)
      """)
  var compressionContexts: String?

  @Flag(
    help: "Let anybody be anybody on a non-loopback address. (env: CHAT_INSECURE_OPEN=true)")
  var insecureOpen = false

  @Flag(help: "Print the version.")
  var version = false
}
