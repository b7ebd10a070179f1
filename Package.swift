// swift-tools-version: 6.2
import PackageDescription

// Bottom layer first: a target may import only targets listed above it.
// Codecs and ChatCore never import Reactor; docs/architecture.md is a tour in this order.

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

func system(_ name: String, package: String, pkgConfig: String? = nil) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], embedding files: [String] = [],
  defines: [SwiftSetting] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: files.map { .embedInCode($0) },
    swiftSettings: settings + defines)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies + [argumentParser], swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
    exclude: exclude, swiftSettings: settings)
}

let argumentParser: Target.Dependency =
  .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
  name: "chat-server",
  products: [
    .executable(name: "chat-server", targets: ["chat-server"]),
    .executable(name: "chat-bench", targets: ["chat-bench"]),
    .executable(name: "ws-echo", targets: ["ws-echo"]),
  ],
  traits: [
    .trait(
      name: "FaultInjection",
      description: "Fail points and mutants for deploy/chaos. Never in a server for users.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // C headers, module maps, inline shims.
    .target(name: "CLinux"),
    .target(name: "CVector"),
    system("COpenSSL", package: "libssl-dev"),
    system("CHiredis", package: "libhiredis-dev"),
    system("CRabbitMQ", package: "librabbitmq-dev"),
    system("CPostgres", package: "libpq-dev", pkgConfig: "libpq"),
    system("CSQLite", package: "libsqlite3-dev"),
    system("CZlib", package: "zlib1g-dev"),

    // Places at which a process can be made to fail; nothing without the trait.
    module(
      "FaultInjection",
      defines: [.define("FAULT_INJECTION", .when(traits: ["FaultInjection"]))]),

    // Byte buffers and text encodings; no I/O.
    module("Bytes"),

    // Event loops, timers, sockets, pending writes, mailboxes.
    module("Reactor", ["CLinux", "Bytes"]),

    // Codecs: bytes in, values out; no sockets, no clock.
    module("Forwarding", ["Bytes"]),
    module("TLS", ["Bytes", "Reactor", "COpenSSL"]),
    module("JSON", ["Bytes"]),
    module("HTTP1", ["Bytes"]),
    module("WebSocket", ["Bytes", "COpenSSL", "CVector", "CZlib", "HTTP1"]),
    module("SockJS", ["Bytes", "JSON", "HTTP1", "WebSocket"]),
    module("STOMP", ["Bytes"]),
    module("ChatProtocol", ["Bytes", "JSON"]),

    // Sessions, delivery and the ports to the back ends; no I/O, no clock.
    module("ChatCore", ["Bytes", "ChatProtocol", "FaultInjection", deques]),

    // One C library each.
    module("RedisClient", ["Bytes", "Reactor", "TLS", "CHiredis", logging, deques]),
    module(
      "AMQPClient", ["Bytes", "Reactor", "TLS", "CRabbitMQ", "FaultInjection", logging, deques]),
    module("PostgresClient", ["Bytes", "Reactor", "CPostgres", logging, deques]),
    module("SQLiteClient", ["CSQLite"]),

    // The ports of ChatCore over those clients, and in memory.
    module(
      "ChatBackends",
      [
        "Bytes", "Reactor", "ChatProtocol", "ChatCore", "RedisClient", "AMQPClient",
        "PostgresClient", "SQLiteClient", "FaultInjection", logging, deques,
      ]),

    // Listener -> HTTP -> WebSocket -> session, and back.
    module(
      "Gateway",
      [
        "Bytes", "Reactor", "Forwarding", "TLS", "HTTP1", "WebSocket", "SockJS", "STOMP",
        "ChatProtocol", "ChatCore", logging, deques,
      ], embedding: ["API/openapi.json"]),

    // Composition only.
    program(
      "chat-server",
      [
        "Reactor", "Forwarding", "TLS", "HTTP1", "WebSocket", "ChatProtocol", "ChatCore",
        "RedisClient",
        "AMQPClient", "PostgresClient", "ChatBackends", "Gateway", "FaultInjection", logging,
      ]),
    program("chat-bench", ["Bytes", "Reactor", "TLS", "HTTP1", "WebSocket", histogram]),
    program(
      "ws-echo", ["Reactor", "TLS", "HTTP1", "WebSocket", "SockJS", "ChatCore", "Gateway"]),

    // Private servers on loopback, started and ended by the tests themselves.
    .target(
      name: "TestServers", dependencies: ["Reactor"], path: "Tests/TestServers",
      swiftSettings: settings),

    // The kernel as tests have it: with answers of their own and a clock that they move.
    .target(
      name: "TestKernel", dependencies: ["Reactor", "CLinux"], path: "Tests/TestKernel",
      swiftSettings: settings),

    // JSON as clients read it, to hold the server's against.
    .target(name: "ReferenceJSON", path: "Tests/ReferenceJSON", swiftSettings: settings),

    // One function per parser that takes any bytes, and the program that finds bytes for it.
    .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .target(
      name: "Fuzzers",
      dependencies: [
        "Bytes", "Reactor", "Forwarding", "HTTP1", "WebSocket", "SockJS", "STOMP", "ChatProtocol",
        "ChatCore", "RedisClient", "AMQPClient", "PostgresClient", "ChatBackends",
        "ReferenceJSON",
      ],
      path: "Tests/Fuzz/Fuzzers", swiftSettings: settings),
    .executableTarget(
      name: "fuzz", dependencies: ["CFuzzer", "Fuzzers"], path: "Tests/Fuzz/Program",
      swiftSettings: settings),

    tests("FaultInjection"),
    // Nodes, back ends and clients under one seed, and the program that tries many.
    .target(
      name: "Simulation", dependencies: ["Bytes", "ChatProtocol", "ChatCore", "ReferenceJSON"],
      path: "Tests/Simulation/World", swiftSettings: settings),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation", "ChatCore", argumentParser],
      path: "Tests/Simulation/Program", swiftSettings: settings),

    tests("Bytes"),
    tests("Reactor", ["Bytes", "CLinux", "TestKernel"]),
    tests("Forwarding"),
    tests("TLS", ["Bytes", "COpenSSL", "Reactor", "TestKernel", "TestServers"]),
    tests("HTTP1", ["Bytes"]),
    tests("WebSocket", ["Bytes", "HTTP1"]),
    tests("SockJS", ["Bytes", "HTTP1", "WebSocket"]),
    tests("STOMP", ["Bytes"]),
    tests("ChatProtocol", ["Bytes"]),
    tests("ChatCore", ["ChatProtocol", "Bytes", "Simulation"]),
    tests("RedisClient", ["Reactor", "TestServers"]),
    tests("AMQPClient", ["Reactor", "TLS", "TestServers"]),
    tests(
      "ChatBackends",
      [
        "ChatCore", "ChatProtocol", "Reactor", "Bytes", "RedisClient", "AMQPClient",
        "PostgresClient", "SQLiteClient", "TestKernel", "TestServers", logging,
      ]),
    tests(
      "Gateway",
      [
        "Reactor", "Forwarding", "TLS", "HTTP1", "WebSocket", "SockJS", "ChatCore",
        "ChatProtocol", "ChatBackends", "Bytes", "TestKernel", "TestServers", logging,
      ]),
    tests("Fuzzers"),
    .testTarget(
      name: "ChatServerTests",
      dependencies: [
        "chat-server", "ChatCore", "Forwarding", "Gateway", "Reactor", "WebSocket", argumentParser,
        logging,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ChatBenchTests", dependencies: ["chat-bench", "Bytes", "Reactor"],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
