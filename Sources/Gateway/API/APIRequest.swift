import Bytes
import ChatProtocol
import HTTP1
import JSON

/// What a request of the REST interface asks.
enum APIRequest {
  case frame(APIFrame)
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
      do throws(CommandError) {
        self = .frame(try APIFrame(route, fields, request.target, body: body))
      } catch {
        self = .malformed(error.message)
      }
      return
    }
    self = allowed.isEmpty ? .notFound : .methodNotAllowed(allowed)
  }
}

/// The frame of chat.v1 that a request stands for.
struct APIFrame {
  let json: [UInt8]
  /// Of the answer to a request that succeeds.
  let status: Status
  let form: APIRoute.Form
  /// Whose path it is, where it is nobody else's.
  private(set) var owner: String?

  /// Writes the frame. A field that is there twice, in the path and in the body, makes it malformed, as
  /// it would be if a client had written it so.
  fileprivate init(
    _ route: APIRoute, _ path: [(field: APIRoute.Field, text: Substring)], _ target: RequestTarget,
    body: [UInt8]
  ) throws(CommandError) {
    status = route.status
    form = route.form
    var frame = ByteBuffer(minimumCapacity: body.count + 256)
    frame.append(#"{"type":""#)
    frame.append(route.type)
    frame.append(#"","id":0"#)
    for (field, text) in path {
      if field.form == .caller {
        owner = String(text)
      } else {
        try frame.append(field, String(text))
      }
    }
    for field in route.query {
      guard let text = target.parameter(field.key) else { continue }
      try frame.append(field, text)
    }
    if form == .spring {
      if route.method == .post, path.isEmpty {
        try body.withUnsafeBufferPointer { (body) throws(CommandError) in
          try SpringRoom.append(UnsafeRawBufferPointer(body), to: &frame)
        }
      }
      frame.append("}")
    } else {
      try frame.appendMembers(of: body)
    }
    json = [UInt8](frame.bytes)
  }
}

extension ByteBuffer {
  /// Appends what a JSON object has behind its first brace.
  fileprivate mutating func appendMembers(of object: [UInt8]) throws(CommandError) {
    var rest = object[...]
    while let first = rest.first, ASCII.isBlank(first) || first == 0x0A || first == 0x0D {
      rest.removeFirst()
    }
    guard !rest.isEmpty else { return append("}") }
    guard rest.popFirst() == UInt8(ascii: "{"),
      object.withUnsafeBytes({ UTF8Validator.isValid($0) })
    else { throw CommandError(.badRequest, "the body must be a JSON object") }
    let isEmpty = rest.first { !ASCII.isBlank($0) && $0 != 0x0A && $0 != 0x0D } == 0x7D
    if !isEmpty { append(",") }
    rest.withUnsafeBytes { append($0) }
  }

  fileprivate mutating func append(
    _ field: APIRoute.Field, _ text: String
  ) throws(CommandError) {
    append(",\"")
    append(field.name)
    append("\":")
    switch field.form {
    case .string, .caller: append(jsonString: text)
    case .user: append(jsonString: text.hasPrefix("@") ? text : "@" + text)
    case .room: append(jsonString: text.hasPrefix("#") ? text : "#" + text)
    case .number:
      guard UInt64(text) != nil else {
        throw CommandError(.badRequest, "\(field.key) must be a whole number")
      }
      append(utf8: text)
    case .list:
      append("[")
      append(jsonString: text)
      append("]")
    }
  }
}
