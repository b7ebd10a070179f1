import ChatProtocol

// What says that messages were left out, and where they would have been.

/// Numbers that are not handed out: those above `after` and below `before`.
struct Gap {
  let after: UInt64
  let before: UInt64
  var cause = GapCause.overflow

  /// - Parameter next: begins where this one ends.
  func joined(with next: Gap) -> Gap {
    Gap(after: after, before: next.before, cause: cause == next.cause ? cause : .overflow)
  }
}

extension Hub {
  /// The audience's place jumps over the gap: says so to every session that would have got what is
  /// between. In a room that comes behind what is still being handed out.
  func announce(_ gap: Gap, _ conversation: ConversationID, to audience: Audience) {
    if let room = audience as? Room, !room.fanouts.isEmpty { return queue(.gap(gap), in: room) }
    send(gap, conversation, to: audience.sessions[...])
  }

  func send(_ gap: Gap, _ conversation: ConversationID, to sessions: ArraySlice<Session>) {
    for session in sessions where session.isLive {
      switch session.lags[conversation] {
      case .ahead(let through):
        guard through + 1 < gap.before else { continue }
        session.lags[conversation] = nil
        sendGap(
          to: session, conversation, after: max(gap.after, through), before: gap.before,
          gap.cause)
      case .resuming:
        // It reads these by itself; what waits behind them must not hide that.
        dropBehind(conversation, session)
      case .shed, .unsure, .out:
        break
      case nil:
        if session.isCongested {
          session.lags[conversation] = .shed(after: gap.after)
        } else {
          sendGap(
            to: session, conversation, after: gap.after, before: gap.before,
            gap.cause)
        }
      }
    }
  }

  func sendGap(
    to session: Session, _ conversation: ConversationID, after: UInt64, before: UInt64,
    _ cause: GapCause = .overflow
  ) {
    guard let user = session.user, after + 1 < before else { return }
    counters.gaps += 1
    effects.send(
      .gap(
        conversation: conversation.address(seenBy: user.id), after: after, before: before,
        cause),
      to: session.id)
  }
}
