/// A connection's half of the compression: what it agreed to, and the contexts that it keeps.
///
/// Connections that keep none and have the same window share one.
package final class DeflateSession {
  package let parameters: DeflateParameters
  let deflater: Deflater?
  let inflater: Inflater?
  private let place: ContextPlaces?

  /// - Parameter places: Where a connection that keeps a context has its place until it is gone.
  init(_ parameters: DeflateParameters, policy: CompressionPolicy, places: ContextPlaces) {
    self.parameters = parameters
    deflater =
      parameters.serverKeepsContext
      ? Deflater(
        windowBits: parameters.serverWindowBits,
        memoryLevel: CompressionPolicy.contextMemoryLevel, level: policy.level)
      : nil
    inflater =
      parameters.clientKeepsContext ? Inflater(windowBits: parameters.clientWindowBits) : nil
    place = parameters.keepsContext ? places : nil
    place?.taken += 1
  }

  deinit { place?.taken -= 1 }
}

/// How many connections of a loop keep contexts.
final class ContextPlaces {
  var taken = 0
}
