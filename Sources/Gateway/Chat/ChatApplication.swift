package import ChatCore
import ChatProtocol
package import HTTP1
package import Reactor
import WebSocket

/// What reaches a hub from outside its loop.
package enum HubMail: Sendable {
  case stored([StoreReply])
  case registered([RegistryReply])
  case happened(NodeEvent)
  case delivered([LocalDelivery])
  case drain(over: Duration)
}

/// The back ends as a hub reaches them.
package struct BackEnds: Sendable {
  package var store: any MessageStore
  package var registry: any Registry
  /// Absent on a node that is alone.
  package var bus: (any MessageBus)?

  package var isAlone: Bool { bus == nil }

  package init(
    store: any MessageStore, registry: any Registry, bus: (any MessageBus)? = nil
  ) {
    self.store = store
    self.registry = registry
    self.bus = bus
  }
}

/// chat.v1 and STOMP over WebSocket and SockJS: a hub with the channels of its loop.
///
/// Frames go in as commands; at the end of the turn the hub's effects are carried out: requests to
/// the back ends in one batch each, and every event encoded once for all of its readers.
package final class ChatApplication: Application, EventHandler {
  package static let subprotocol = "chat.v1"

  let loop: EventLoop
  let hub: Hub
  private let sockJS: SockJSServer
  private let backEnds: BackEnds
  /// The mailboxes of the node's other hubs.
  private let others: [Mailbox<HubMail>]
  private let stored: @Sendable ([StoreReply]) -> Void
  private let registered: @Sendable ([RegistryReply]) -> Void
  private let isReady: @Sendable () -> Bool
  private var token = Token(index: 0, generation: 0)
  private var effects = Effects()
  @exclusivity(unchecked) var names = NameCache()
  private var hasAdvanced = false
  private(set) var isStopped = false

  /// - Parameters:
  ///   - sockJS: of the same loop; its sessions become this application's.
  ///   - mailbox: where answers of the back ends are to go; its receiver calls `receive(_:)`.
  ///   - isReady: what `/readyz` says of the node.
  package init(
    loop: EventLoop, hub: Hub, sockJS: SockJSServer, backEnds: BackEnds,
    mailbox: Mailbox<HubMail>, others: [Mailbox<HubMail>], isReady: @escaping @Sendable () -> Bool
  ) {
    self.loop = loop
    self.hub = hub
    self.sockJS = sockJS
    self.backEnds = backEnds
    self.others = others
    self.isReady = isReady
    stored = { mailbox.post(.stored($0)) }
    registered = { mailbox.post(.registered($0)) }
    token = loop.add(self)
    sockJS.application = self
  }

  package var counters: HubCounters { hub.counters }

  /// STOMP sessions open now, over whatever carries them.
  package private(set) var stompSessionCount = 0

  /// The back ends end: from here on nothing is taken in, and so nothing acknowledged that no other
  /// node would hear of.
  package func stop() { isStopped = true }

  // MARK: Requests

  package func answer(
    _ request: RequestHead, body: [UInt8], on connection: ClientConnection
  ) -> Answer {
    switch ChatRoute.router.route(request) {
    case .found(.socket): .webSocket(subprotocols: [Self.subprotocol])
    case .found(.health): .respond(.text(.ok, "ok\n"))
    case .found(.ready): .respond(.readiness(isReady()))
    case .found(.api):
      .respond(
        Response(
          .ok, contentType: "application/json",
          String(decoding: PackageResources.openapi_json, as: UTF8.self)))
    case .found(.springHealth):
      .respond(Response(.ok, contentType: "application/json", #"{"status":"UP"}"#))
    case .failed(let response):
      sockJS.answer(request, body: body, on: connection)
        ?? answerAPI(request, body: body, on: connection) ?? .respond(response)
    }
  }

  package func bodyBytesMax(of request: RequestHead) -> Int? {
    sockJS.bodyBytesMax(of: request)
      ?? (ChatRoute.isAPI(request) ? Command.Send.bodyBytesMax * 2 : nil)
  }

  // MARK: Sessions

  package func opened(_ channel: Channel, request: RequestHead) {
    advance()
    guard !STOMPSession.serves(request) else {
      let session = STOMPSession(over: channel, request: request, on: loop)
      channel.carriedSTOMP = session
      stompSessionCount += 1
      // It says hello when it has read who connects.
      hub.opened(session.sessionID, user: nil, wantsOwn: true)
      return
    }
    hub.opened(channel.sessionID, user: ChatRoute.user(of: request))
  }

  package func received(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, on channel: Channel
  ) {
    guard !isStopped else { return }
    if let session = channel.carriedSTOMP {
      advance()
      session.receive(payload, hub)
      return
    }
    guard kind == .text else {
      channel.close(.unsupportedData, reason: "chat.v1 is text")
      return
    }
    advance()
    do throws(CommandError) {
      hub.received(try Command.decode(payload, names: &names), from: channel.sessionID)
    } catch {
      hub.rejected(
        error.id, error.code, error.message, isMalformed: error.isMalformed,
        from: channel.sessionID)
    }
  }

  package func closed(_ channel: Channel) {
    advance()
    if let session = channel.carriedSTOMP.take() {
      stompSessionCount -= 1
      hub.closed(session.sessionID)
      session.leave()
    } else {
      hub.closed(channel.sessionID)
    }
  }

  package func congestionChanged(_ isCongested: Bool, on channel: Channel) {
    advance()
    hub.setCongested((channel.carriedSTOMP ?? channel).sessionID, isCongested)
  }

  // MARK: Mail and time

  package func receive(_ mail: [HubMail]) {
    guard !isStopped else { return }
    advance()
    for item in mail {
      switch item {
      case .stored(let replies): hub.completed(replies)
      case .registered(let replies): hub.completed(replies)
      case .happened(let event):
        hub.handle(event)
        tellSockJS(event)
      case .delivered(let deliveries): for delivery in deliveries { hub.deliver(delivery) }
      case .drain(let span):
        hub.drain(over: span.wholeNanoseconds)
        sockJS.drain()
      }
    }
  }

  private func tellSockJS(_ event: NodeEvent) {
    switch event {
    case .nodeLost(let node): sockJS.nodeLost(node)
    case .busRecovered: sockJS.busRecovered()
    case .registrationsLost: sockJS.claimAgain()
    case .arrived, .returned, .busInterrupted, .registrationUndone, .routesChanged,
      .routesForgotten:
      break
    }
  }

  package func timerFired() {
    advance()
    hub.timerFired()
  }

  /// Tells the hub the time, once per turn, and has its effects carried out at the turn's end.
  func advance() {
    guard !hasAdvanced else { return }
    hasAdvanced = true
    hub.advance(to: loop.now.nanoseconds, wall: loop.kernel.wallMilliseconds())
    loop.scheduleFlush(token)
  }

  // MARK: Effects

  package func flush() {
    hasAdvanced = false
    hub.exchangeEffects(with: &effects)
    submitRequests()
    effects.withSends { outgoing, targets in send(outgoing.event, to: targets) }
    for change in effects.pauses { channel(change.session)?.setReading(change.isReading) }
    for close in effects.closes {
      channel(close.session)?.close(
        CloseCode(close.code.rawValue), reason: close.reason.description)
    }
    for relay in effects.relays { sockJS.receive(relay) }
    effects.removeAll()
    if hub.isFanningOut {
      loop.fireInNextTurn(token)
    } else if let deadline = hub.nextDeadline {
      loop.setTimer(for: token, at: Instant(nanoseconds: deadline))
    }
  }

  private func submitRequests() {
    if !effects.store.isEmpty { backEnds.store.submit(effects.store, reply: stored) }
    if !effects.registry.isEmpty {
      backEnds.registry.submit(effects.registry, reply: registered)
    }
    if !effects.publications.isEmpty { backEnds.bus?.publish(effects.publications) }
    if !effects.localDeliveries.isEmpty {
      for mailbox in others { mailbox.post(.delivered(effects.localDeliveries)) }
    }
  }

  private func send(_ event: borrowing Event, to targets: ArraySlice<SessionID>) {
    var forms = EventForms(on: loop)
    for target in targets { channel(target)?.send(event, &forms) }
  }

  private func channel(_ session: SessionID) -> Channel? {
    guard let handler = loop.handler(Token(word: session.value)) else { return nil }
    // Only the tokens of this worker's channels are ever made into session ids.
    return unsafeDowncast(handler, to: Channel.self)
  }
}

extension Channel {
  var sessionID: SessionID { SessionID(value: token.word) }
}
