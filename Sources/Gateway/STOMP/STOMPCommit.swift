/// A transaction whose messages are on their way to the store.
struct STOMPCommit {
  let number: UInt64
  /// Messages without an answer.
  var due: Int
  let receipt: String?
  /// Whether one of them was refused, so that there will be no receipt.
  var hasFailed = false

  init(number: UInt64, due: Int, receipt: String?) {
    self.number = number
    self.due = due
    self.receipt = receipt
  }
}
