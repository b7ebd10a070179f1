import Bytes
import ChatProtocol
import HTTP1
import JSON

/// What a request of the REST interface asks, as the frame of chat.v1 that it stands for.
enum APIRequest {
  case frame([UInt8], status: Status)
  /// The path is no route's.
  case notFound
  case methodNotAllowed(MethodSet)
  case malformed(String)

  init(_ request: RequestHead, body: [UInt8]) {
    guard let path = request.target.decodedPath, path.hasPrefix(APIRoute.prefix) else {
      self = .notFound
      return
    }
    let segments = path.dropFirst(APIRoute.prefix.count)
      .split(separator: "/", omittingEmptySubsequences: false)
    var allowed: MethodSet = []
    for route in APIRoute.all {
      guard let fields = route.fields(in: segments) else { continue }
      let methods = route.method == .get ? .get : MethodSet(route.method)
      guard methods.contains(MethodSet(request.method)) else {
        allowed.formUnion(methods)
        continue
      }
      self.init(route, fields, request.target, body: body)
      return
    }
    self = allowed.isEmpty ? .notFound : .methodNotAllowed(allowed)
  }

  /// Writes the frame. A field that is there twice, in the path and in the body, makes it malformed, as
  /// it would be if a client had written it so.
  private init(
    _ route: APIRoute, _ path: [(field: APIRoute.Field, text: Substring)], _ target: RequestTarget,
    body: [UInt8]
  ) {
    var frame = ByteBuffer(minimumCapacity: body.count + 256)
    frame.append(#"{"type":""#)
    frame.append(route.type)
    frame.append(#"","id":0"#)
    for (field, text) in path { frame.append(field, String(text)) }
    for field in route.query {
      guard let text = target.parameter(field.name) else { continue }
      guard field.form != .number || UInt64(text) != nil else {
        self = .malformed("\(field.name) must be a whole number")
        return
      }
      frame.append(field, text)
    }
    var rest = body[...]
    while let first = rest.first, ASCII.isBlank(first) || first == 0x0A || first == 0x0D {
      rest.removeFirst()
    }
    guard !rest.isEmpty else {
      frame.append("}")
      self = .frame([UInt8](frame.bytes), status: route.status)
      return
    }
    guard rest.popFirst() == UInt8(ascii: "{"), body.withUnsafeBytes({ UTF8Validator.isValid($0) })
    else {
      self = .malformed("the body must be a JSON object")
      return
    }
    let isEmpty = rest.first { !ASCII.isBlank($0) && $0 != 0x0A && $0 != 0x0D } == 0x7D
    if !isEmpty { frame.append(",") }
    rest.withUnsafeBytes { frame.append($0) }
    self = .frame([UInt8](frame.bytes), status: route.status)
  }
}

extension ByteBuffer {
  fileprivate mutating func append(_ field: APIRoute.Field, _ text: String) {
    append(",\"")
    append(field.name)
    append("\":")
    switch field.form {
    case .string: append(jsonString: text)
    case .number: append(utf8: text)
    case .list:
      append("[")
      append(jsonString: text)
      append("]")
    }
  }
}
