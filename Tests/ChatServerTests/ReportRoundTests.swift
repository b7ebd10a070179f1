import ChatCore
import Gateway
import Testing

@testable import chat_server

@Suite struct ReportRoundTests {
  private let report = WorkerReport(
    gateway: GatewayCounters(), hub: HubCounters(), sockJS: SockJSCounters(), stompSessions: 0,
    longestTurn: .zero, backlogBytes: 0)

  @Test func `one round answers everybody who asked while it was under way`() {
    var round = ReportRound()
    var answers: [Int] = []
    #expect(round.ask(2) { answers.append($0.count) })
    round.received(report)
    let isNew = round.ask(2) { answers.append(10 * $0.count) }
    #expect(!isNew)
    #expect(answers.isEmpty)
    round.received(report)
    #expect(answers == [2, 20])
    #expect(round.ask(2) { _ in })
  }
}
