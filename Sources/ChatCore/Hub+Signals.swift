import ChatProtocol

// What is told once and not stored: who types, who has read, who is there.

extension Hub {
  func receive(_ signal: Signal, _ recipients: [UserID]) {
  }
}
