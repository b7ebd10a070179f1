/// Finds what a path and a method stand for, among a few routes with fixed paths.
///
/// Inlinable where it is generic: in another module it would look its types up for each request.
@usableFromInline
package struct Router<Route: Sendable>: Sendable {
  @usableFromInline
  package enum Match {
    case found(Route)
    case notFound
    /// The path is known for other methods: 405 with `allow.allow` in the `Allow` field.
    case methodNotAllowed(allow: MethodSet)
  }

  @usableFromInline var paths = RoutePaths()
  @usableFromInline var routes: [Route] = []

  @inlinable
  package init() {}

  /// `MethodSet.get` answers HEAD too.
  @inlinable
  package mutating func add(_ methods: MethodSet, _ path: StaticString, _ route: Route) {
    paths.add(methods, path)
    routes.append(route)
  }

  /// Compares the path as it came: one written with escapes or dot segments is not found.
  @inlinable
  package func match(_ head: RequestHead) -> Match {
    switch paths.match(head) {
    case .found(let index): .found(routes[index])
    case .notFound: .notFound
    case .methodNotAllowed(let allow): .methodNotAllowed(allow: allow)
    }
  }
}

/// The paths of a router's routes, by their index.
@usableFromInline
struct RoutePaths: Sendable {
  @usableFromInline
  enum Match {
    case found(Int)
    case notFound
    case methodNotAllowed(MethodSet)
  }

  private var entries: [(path: StaticString, methods: MethodSet)] = []

  @usableFromInline
  init() {}

  @usableFromInline
  mutating func add(_ methods: MethodSet, _ path: StaticString) {
    entries.append((path, methods))
  }

  @usableFromInline
  func match(_ head: RequestHead) -> Match {
    var allow: MethodSet = []
    for (index, entry) in entries.enumerated()
    where head.target.path.elementsEqual(entry.path.bytes) {
      if entry.methods.contains(MethodSet(head.method)) { return .found(index) }
      allow.formUnion(entry.methods)
    }
    return allow.isEmpty ? .notFound : .methodNotAllowed(allow)
  }
}
