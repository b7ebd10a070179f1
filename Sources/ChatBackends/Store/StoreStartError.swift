/// Why a message store could not start: one clear line for the operator.
package enum StoreStartError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The database was migrated by a newer program, which this one must not write to.
  case schemaIsNewer(found: Int, supported: Int)
  /// Not reached, not let in, or broken. The text names the cause and no secret.
  case failed(String)

  package var description: String {
    switch self {
    case .schemaIsNewer(let found, let supported):
      "the database has schema version \(found), but this program knows only \(supported) and "
        + "older; run the newer program"
    case .failed(let cause): cause
    }
  }
}
