import Bytes

/// Text that arrives in pieces, held against the standard library's own check.
func fuzzUTF8(_ input: UnsafeRawBufferPointer) {
  let account = Cuts(of: input).claimSameAccount { TextReader() }
  let isText = String(validating: input, as: UTF8.self) != nil
  claim(account.isText == isText, "the standard library says that it is \(isText ? "" : "no ")text")
  claim(UTF8Validator.isValid(input) == isText, "the check of whole texts says the same")
}

private struct TextReader: StreamReader {
  struct Account: Equatable {
    var isText = true
  }

  private var validator = UTF8Validator()
  private var isRefused = false

  var account: Account { Account(isText: !isRefused && validator.isComplete) }

  mutating func take(_ read: UnsafeMutableRawBufferPointer) -> Bool {
    isRefused = !validator.accept(UnsafeRawBufferPointer(read))
    return !isRefused
  }
}
