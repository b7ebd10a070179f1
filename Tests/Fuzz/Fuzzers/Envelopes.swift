import ChatCore

/// A bus message: what can be read can be written, and is then read as the same.
func fuzzEnvelopes(_ input: UnsafeRawBufferPointer) {
  guard let batch = try? EnvelopeBatch(decoding: input) else { return }
  claim(batch.envelopes.count <= EnvelopeBatch.envelopesMax, "a batch has a limit")
  var encoder = EnvelopeEncoder(sender: batch.sender)
  var again: [Envelope] = []
  for envelope in batch.envelopes {
    var appended = encoder.append(envelope)
    if appended == .full {
      again += envelopes(in: encoder.finish(publishedAt: batch.publishedAt), of: batch)
      appended = encoder.append(envelope)
    }
    claim(appended == .appended, "an envelope that was read can be written: \(appended)")
  }
  let last = encoder.finish(publishedAt: batch.publishedAt)
  again += envelopes(in: last, of: batch)
  claimEqual(batch.envelopes, again, "the envelopes written anew")

  var random = SplitMix64(hashing: input)
  last.withUnsafeBytes { last in
    let cut = UnsafeRawBufferPointer(
      rebasing: last.prefix(Int.random(in: 0..<last.count, using: &random)))
    claim((try? EnvelopeBatch(decoding: cut)) == nil, "a batch that is cut is none")
  }
}

private func envelopes(in bytes: [UInt8], of batch: EnvelopeBatch) -> [Envelope] {
  guard let again = try? bytes.withUnsafeBytes({ try EnvelopeBatch(decoding: $0) }) else {
    fatalError("what was written cannot be read")
  }
  claim(
    again.sender == batch.sender && again.publishedAt == batch.publishedAt, "the header comes back")
  return again.envelopes
}
