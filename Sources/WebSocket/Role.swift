/// Which end of a connection this is: the client masks what it sends, the server does not.
@usableFromInline
package enum Role: Sendable {
  case server, client
}
