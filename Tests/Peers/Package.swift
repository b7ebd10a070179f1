// swift-tools-version: 6.2
import PackageDescription

// What the server is measured against, by deploy/bench. A package of its own: the product neither
// depends on it nor builds it.

// A yardstick gets all that the compiler can give.
let fast: [CSetting] = [
  .unsafeFlags(["-O3", "-march=native", "-Wall", "-Wextra", "-Werror"]),
  .define("_GNU_SOURCE"),
]

func program(_ name: String, library: String? = nil, headers: String? = nil) -> Target {
  .executableTarget(
    name: name, dependencies: ["PeerSupport"],
    cSettings: fast + (headers.map { [.unsafeFlags(["-isystem", $0])] } ?? []),
    linkerSettings: library.map { [.linkedLibrary($0)] } ?? [])
}

let package = Package(
  name: "peers",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2")
  ],
  targets: [
    // Clocks, histograms, /proc, TLS; listeners and frames of the floors.
    .target(
      name: "PeerSupport", cSettings: fast,
      linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),

    // The least that a WebSocket echo server can do, and the load for all echo servers.
    program("c-echo"),
    program("ws-load"),

    // The least that a message to a room can cost: the same bytes, written to every socket.
    program("c-fanout"),

    // Connections that mean no good to a chat server.
    program("ws-attack"),

    // The least that a message between two nodes can cost without batches: a GET and a publish.
    .executableTarget(
      name: "naive-chain", dependencies: ["PeerSupport"], cSettings: fast,
      linkerSettings: [.linkedLibrary("hiredis"), .linkedLibrary("rabbitmq")]),

    // The databases alone, with the server's rows.
    program("sqlite-insert", library: "sqlite3"),
    program("pg-insert", library: "pq", headers: "/usr/include/postgresql"),

    // The same echo on the framework that Swift servers use.
    .executableTarget(
      name: "nio-echo",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
