package import HTTP1

/// A whole response: its fields include `Content-Type` where it has one.
package struct SockJSResponse: Sendable {
  package var status: Status
  package var fields: [ResponseField]
  package var body: String

  package init(_ status: Status, fields: [ResponseField] = [], body: String = "") {
    self.status = status
    self.fields = fields
    self.body = body
  }
}
