import CPostgres

/// What a query gave back, in binary. Freed by its `deinit`.
///
/// A column of another type or length than asked for reads as nil: the peer may be any program.
package final class PostgresRows {
  private let result: OpaquePointer

  init(adopting result: OpaquePointer) { self.result = result }

  deinit { PQclear(result) }

  package var count: Int { Int(PQntuples(result)) }

  package func int64(_ row: Int, _ column: Int) -> Int64? {
    withBytes(row, column) { bytes in
      switch bytes.count {
      case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
      case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
      default: nil
      }
    } ?? nil
  }

  package func string(_ row: Int, _ column: Int) -> String? {
    withBytes(row, column) { String(decoding: $0, as: UTF8.self) }
  }

  package func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
    withBytes(row, column) { Array($0) }
  }

  package func isNull(_ row: Int, _ column: Int) -> Bool {
    PQgetisnull(result, Int32(row), Int32(column)) != 0
  }

  private func withBytes<Value>(
    _ row: Int, _ column: Int, _ body: (UnsafeRawBufferPointer) -> Value
  ) -> Value? {
    let (row, column) = (Int32(row), Int32(column))
    guard column < PQnfields(result), PQgetisnull(result, row, column) == 0,
      let start = PQgetvalue(result, row, column)
    else { return nil }
    return body(.init(start: start, count: Int(PQgetlength(result, row, column))))
  }
}
