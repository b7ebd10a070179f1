/// Collects one report of every worker, for however many ask while a round is under way.
struct ReportRound {
  private var reports: [WorkerReport] = []
  private var expected = 0
  private var waiting: [([WorkerReport]) -> Void] = []

  /// Whether the workers have to be asked: the first to ask begins a round.
  mutating func ask(_ workerCount: Int, _ reply: @escaping ([WorkerReport]) -> Void) -> Bool {
    waiting.append(reply)
    guard waiting.count == 1 else { return false }
    expected = workerCount
    return true
  }

  /// Takes a report; with the last one of the round, everybody who asked is answered.
  mutating func received(_ report: WorkerReport) {
    reports.append(report)
    guard reports.count == expected else { return }
    let (all, replies) = (reports, waiting)
    self = ReportRound()
    for reply in replies { reply(all) }
  }
}
