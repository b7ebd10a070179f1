/// Finds what a path and a method stand for, among a few routes with fixed paths.
package struct Router<Route: Sendable>: Sendable {
  package enum Match {
    case found(Route)
    case notFound
    /// The path is known for other methods: 405 with `allow.allow` in the `Allow` field.
    case methodNotAllowed(allow: MethodSet)
  }

  private struct Entry {
    let path: StaticString
    let methods: MethodSet
    let route: Route
  }

  private var entries: [Entry] = []

  package init() {}

  /// `MethodSet.get` answers HEAD too.
  package mutating func add(_ methods: MethodSet, _ path: StaticString, _ route: Route) {
    entries.append(Entry(path: path, methods: methods, route: route))
  }

  /// Compares the path as it came: one written with escapes or dot segments is not found.
  package func match(_ head: RequestHead) -> Match {
    var allow: MethodSet = []
    for entry in entries where head.target.path.elementsEqual(entry.path.bytes) {
      if entry.methods.contains(MethodSet(head.method)) { return .found(entry.route) }
      allow.formUnion(entry.methods)
    }
    return allow.isEmpty ? .notFound : .methodNotAllowed(allow: allow)
  }
}
