package import Bytes
import JSON

/// The JSON `{roomId, name, description, isPrivate}` with which a room is made in Spring's convention.
package enum SpringRoom {
  /// Appends it as members of a `room.create`, each behind a comma. Whoever decodes that checks them.
  ///
  /// A room has the name `roomId` or, without that, the lower-case letters of `name`.
  package static func append(
    _ json: UnsafeRawBufferPointer, to frame: inout ByteBuffer
  ) throws(CommandError) {
    let fields = try SpringFields(wellFormed: json)
    try appendRoom(fields, to: &frame)
    for (field, name) in [(SpringField.name, "name"), (.description, "topic")] {
      guard let value = try fields.string(field) else { continue }
      frame.append(utf8: ",\"\(name)\":")
      frame.append(fields.scanner.raw(value))
    }
    if let isPrivate = try fields.flag(.isPrivate) {
      frame.append(isPrivate ? #","public":false"# : #","public":true"#)
    }
  }

  private static func appendRoom(
    _ fields: SpringFields, to frame: inout ByteBuffer
  ) throws(CommandError) {
    let scanner = fields.scanner
    let id = fields[.roomId].kind == .absent ? fields[.id] : fields[.roomId]
    frame.append(#","room":"#)
    if id.isString {
      frame.append(scanner.raw(id))
    } else if let number = scanner.wholeNumber(id) {
      frame.append("\"")
      frame.append(decimal: number)
      frame.append("\"")
    } else if id.kind != .absent {
      throw CommandError(.badRequest, "roomId must be a string or a whole number")
    } else if let name = try fields.string(.name) {
      frame.append(jsonString: scanner.content(of: name).lowercased())
    } else {
      throw CommandError(.badRequest, "roomId or name is missing")
    }
  }
}
