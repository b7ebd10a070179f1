import Bytes
import ChatProtocol

/// How the answer to a request of the REST interface is written.
enum APIAnswer: Sendable {
  case chat
  case rooms
  case spring(SpringAnswer)

  init(_ form: APIRoute.Form, to command: Command) {
    switch form {
    case .chat: self = .chat
    case .rooms: self = .rooms
    case .spring: self = SpringAnswer(to: command).map { .spring($0) } ?? .chat
    }
  }

  func encode(_ event: borrowing Event, into buffer: inout ByteBuffer) {
    switch self {
    case .chat: event.encode(into: &buffer)
    case .rooms: Self.onlyRooms(copy event).encode(into: &buffer)
    case .spring(let answer): answer.encode(event, into: &buffer)
    }
  }

  private static func onlyRooms(_ event: Event) -> Event {
    guard case .conversations(let id, let items) = event else { return event }
    return .conversations(id, items.filter { $0.room != nil })
  }
}
