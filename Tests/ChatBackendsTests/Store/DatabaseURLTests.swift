import ChatBackends
import PostgresClient
import Testing

@Suite struct DatabaseURLTests {
  @Test func `reads a full URL`() throws {
    let text = "postgres://al%40ice:p%3Ass%2Fw@db.example:6432/chat?sslmode=require"
    guard case .postgres(let parsed) = try DatabaseURL(text) else {
      Issue.record("not PostgreSQL")
      return
    }
    #expect(parsed.user == "al@ice")
    #expect(parsed.password == "p:ss/w")
    #expect(parsed.host == "db.example")
    #expect(parsed.port == 6432)
    #expect(parsed.database == "chat")
    #expect(parsed.security == .require)
  }

  @Test(
    arguments: [
      ("postgres://localhost", "localhost", 5432, "postgres", .disable),
      ("postgresql://[::1]:7/x", "::1", 7, "x", .disable),
      ("postgres://u@127.0.0.1:1/", "127.0.0.1", 1, "u", .disable),
      ("postgres://u@127.9.9.9/", "127.9.9.9", 5432, "u", .disable),
      ("postgres://db.example/x", "db.example", 5432, "x", .verifyFull),
      // Names, whatever they look like.
      ("postgres://127.evil.example/x", "127.evil.example", 5432, "x", .verifyFull),
      ("postgres://127.0.0.1.example/x", "127.0.0.1.example", 5432, "x", .verifyFull),
      ("postgres://localhost.example/x", "localhost.example", 5432, "x", .verifyFull),
      ("postgres://[::2]/x", "::2", 5432, "x", .verifyFull),
    ] as [(String, String, UInt16, String, PostgresConfiguration.Security)])
  func `fills in what is left out`(
    _ text: String, host: String, port: UInt16, database: String,
    security: PostgresConfiguration.Security
  ) throws {
    guard case .postgres(let parsed) = try DatabaseURL(text) else {
      Issue.record("not PostgreSQL")
      return
    }
    #expect(parsed.host == host)
    #expect(parsed.port == port)
    #expect(parsed.database == database)
    #expect(parsed.security == security)
  }

  @Test func `takes a path for SQLite`() throws {
    #expect(try DatabaseURL("sqlite:/a b/%41.db").description == "sqlite:/a b/%41.db")
  }

  @Test func `never shows the password`() throws {
    let url = try DatabaseURL("postgres://alice:secret@host/db")
    #expect(!"\(url) \(String(reflecting: url))".contains("secret"))
  }

  @Test(arguments: [
    "", "mysql://x", "sqlite:", "postgres://", "postgres://:5432/x", "postgres://h:0/x",
    "postgres://h:65536/", "postgres://h:x/", "postgres://[::1/x", "postgres://[::1]x/",
    "postgres://h/x?sslmode=prefer", "postgres://h/x?a=b", "postgres://%zz/x", "postgres://h/%",
    "postgres://h/%00", "postgres://h/%+1",
  ])
  func `refuses what is no database URL`(_ text: String) {
    #expect(throws: DatabaseURL.ParseError.self) { try DatabaseURL(text) }
  }
}
