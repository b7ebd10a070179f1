internal import CHiredis

/// Builds replies for hiredis' reader, in place of its own objects.
///
/// The library reserves whatever an array's header claims, computes with lengths that may
/// overflow, and aborts the process on a reply that nobody asked for. Here each claim meets a
/// limit first; refusing one makes the library drop the connection.
final class ReplyBuilder {
  /// A reply, or an element of one. Elements are owned by their array.
  final class Node {
    private let scalar: RedisValue
    private let isArray: Bool
    private var elements: [Node] = []

    init(_ scalar: RedisValue) {
      self.scalar = scalar
      isArray = false
    }

    init(arrayOf count: Int) {
      scalar = .null
      isArray = true
      elements.reserveCapacity(count)
    }

    func append(_ element: Node) { elements.append(element) }

    /// The depth is bounded by the reader, at 7.
    var value: RedisValue { isArray ? .array(elements.map(\.value)) : scalar }
  }

  private let limits: RedisLimits
  /// Commands that have no answer yet.
  var expectedReplies = 0
  /// The connection has subscribed: messages come that are no answers.
  var acceptsMessages = false
  private var replyBytes = 0

  init(limits: RedisLimits) { self.limits = limits }

  /// Makes a node and hands it to its array, or to the library when it is a reply of its own.
  fileprivate func add(
    _ task: UnsafePointer<redisReadTask>, bytes: Int, _ make: () -> Node
  ) -> UnsafeMutableRawPointer? {
    let isReply = task.pointee.parent == nil
    if isReply {
      guard expectedReplies > 0 || acceptsMessages else { return nil }
      replyBytes = 0
    }
    guard bytes <= limits.replyBytesMax - replyBytes - RedisLimits.elementBytes else { return nil }
    replyBytes += bytes + RedisLimits.elementBytes
    let node = make()
    if isReply { return Unmanaged.passRetained(node).toOpaque() }
    Unmanaged<Node>.fromOpaque(task.pointee.parent.pointee.obj).takeUnretainedValue().append(node)
    return Unmanaged.passUnretained(node).toOpaque()
  }

  fileprivate func addString(
    _ task: UnsafePointer<redisReadTask>, _ text: UnsafeRawBufferPointer
  ) -> UnsafeMutableRawPointer? {
    guard text.count <= limits.stringBytesMax else { return nil }
    return add(task, bytes: text.count) {
      switch task.pointee.type {
      case REDIS_REPLY_ERROR: Node(.error(String(decoding: text, as: UTF8.self)))
      case REDIS_REPLY_STATUS: Node(.status(String(decoding: text, as: UTF8.self)))
      default: Node(.string([UInt8](text)))
      }
    }
  }

  /// Takes a whole reply over from the library.
  func take(_ reply: UnsafeMutableRawPointer) -> RedisValue {
    if expectedReplies > 0 { expectedReplies -= 1 }
    return Unmanaged<Node>.fromOpaque(reply).takeRetainedValue().value
  }

  /// A reader whose replies are built here. This builder must outlive it.
  func makeReader() -> UnsafeMutablePointer<redisReader> {
    guard let reader = redisReaderCreateWithFunctions(Self.functions) else {
      preconditionFailure("out of memory")
    }
    reader.pointee.privdata = Unmanaged.passUnretained(self).toOpaque()
    return reader
  }

  /// One table for the life of the process: the library keeps a pointer to it.
  nonisolated(unsafe) private static let functions = {
    let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    functions.initialize(
      to: redisReplyObjectFunctions(
        createString: { task, text, count in
          builder(task).addString(task!, UnsafeRawBufferPointer(start: text, count: count))
        },
        createArray: { task, count in
          // A claim of more elements than bytes could follow costs nothing before it is refused.
          builder(task).add(task!, bytes: Int(count) * RedisLimits.elementBytes) {
            ReplyBuilder.Node(arrayOf: Int(count))
          }
        },
        createInteger: { task, number in
          builder(task).add(task!, bytes: 0) { ReplyBuilder.Node(.integer(number)) }
        },
        createNil: { task in builder(task).add(task!, bytes: 0) { ReplyBuilder.Node(.null) } },
        freeObject: { Unmanaged<ReplyBuilder.Node>.fromOpaque($0!).release() }))
    return functions
  }()
}

private func builder(_ task: UnsafePointer<redisReadTask>?) -> ReplyBuilder {
  Unmanaged<ReplyBuilder>.fromOpaque(task!.pointee.privdata).takeUnretainedValue()
}
