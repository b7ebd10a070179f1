import ChatCore
import Forwarding
import HTTP1
import SockJS

/// One step of a request for a session, between the loop that the request came to and the loop that
/// owns the session: the same loop, another one of this node, or one of another node.
package struct SockJSMail: Sendable {
  /// The request, on the loop that it came to.
  var exchange: SockJSExchange.Address
  var session: SockJSSession.Key
  /// The node that says this.
  var sender: NodeID
  var step: Step

  enum Step: Sendable {
    // To the session.

    /// The request asks for frames. `opening`: it may open the session, which only a request that
    /// came to the node itself does.
    case receive(SockJSReceiver, identity: String?, opening: Opening?)
    /// It brings messages, in a body that nobody has looked at.
    case send([UInt8], SockJSBodyFormat, identity: String?)
    /// Its client takes no more for now, or again.
    case congestion(Bool)
    /// Its client has gone.
    case left
    /// Its client had gone before the session said anything to it, or at least what it said last.
    case missed
    /// It has the last frame.
    case completed
    /// Its node stops: the answer is to end, so that its client comes again elsewhere.
    case finish

    // To the request.

    /// It receives from now on.
    case accepted
    /// What it receives: a frame, wrapped for its transport, or a piece of one, counted from 0.
    case frame([UInt8], number: UInt32, isLast: Bool)
    /// The session's end, without a word that would reach the client.
    case cut
    /// The messages it brought are with the application.
    case taken
    case refused(SockJSRefusal)
  }

  /// What a session is opened with.
  struct Opening: Sendable {
    var request: RequestHead
    /// Whom it counts for, if there is a limit for that.
    var address: IPAddress?
  }

  func answered(by sender: NodeID, _ step: Step) -> SockJSMail {
    SockJSMail(exchange: exchange, session: session, sender: sender, step: step)
  }
}

/// How a body of messages is to be read.
enum SockJSBodyFormat: UInt32, Sendable {
  case xhr, jsonp, jsonpForm

  init(_ send: SockJSSend) {
    self = send.transport == .xhrSend ? .xhr : send.isForm ? .jsonpForm : .jsonp
  }

  var transport: SockJSTransport { self == .xhr ? .xhrSend : .jsonpSend }

  var contentType: String? { self == .jsonpForm ? SockJSSend.formType : nil }
}

/// Why a request is not served.
enum SockJSRefusal: Hashable, Sendable {
  /// There is no open session of the name, or it is another user's.
  case unknownSession
  case payload(SockJSPayloadError)
  /// The session takes no more for now.
  case busy
}

/// What reaches a loop's `SockJSServer` from outside the loop.
package enum SockJSNews: Sendable {
  case mail(SockJSMail)
  case located(SockJSLocation)
}

/// What the registry says of the session that a request is for.
package struct SockJSLocation: Sendable {
  let exchange: SockJSExchange.Address
  let result: RegistryReply.Result
}

/// The way from a session to the request that receives its frames.
struct SockJSOutlet {
  /// What the request said.
  let request: SockJSMail
  private var nextFrame: UInt32 = 0

  private static let pieceBytesMax = 256 * 1024

  init(to request: SockJSMail) { self.request = request }

  var exchange: SockJSExchange.Address { request.exchange }

  /// Gives the steps that bring a frame to the request: one, unless it is so long that the bus
  /// would not take it.
  mutating func write(
    _ frame: UnsafeRawBufferPointer, isLast: Bool, _ send: (SockJSMail.Step) -> Void
  ) {
    var rest = frame[...]
    repeat {
      let piece = rest.prefix(Self.pieceBytesMax)
      rest = rest.dropFirst(Self.pieceBytesMax)
      send(.frame([UInt8](piece), number: nextFrame, isLast: isLast && rest.isEmpty))
      nextFrame &+= 1
    } while !rest.isEmpty
  }
}
