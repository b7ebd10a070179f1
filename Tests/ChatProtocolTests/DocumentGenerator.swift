/// Makes JSON texts from a seed, and breaks them.
struct DocumentGenerator {
  private var random: SplitMix

  init(seed: UInt64) { random = SplitMix(state: seed) }

  mutating func object(depth: Int) -> String {
    let members = (0..<count(4)).map { index in
      "\(space())\(string(prefix: "\(index)"))\(space()):\(space())\(value(depth: depth + 1))"
    }
    return "{" + members.joined(separator: space() + ",") + space() + "}"
  }

  /// A `send` with valid fields, in an order of its own.
  mutating func send() -> String {
    var members = [
      #""type":"send""#,
      #""cid":"c\#(count(1_000))\#(["", #"\/"#, #"\u00e9"#, "é", #"\uD83D\uDE00"#][count(5)])""#,
      #""to":"\#(["@bob", "#general", #"@\u0062ob"#, "@a.b-c_d"][count(4)])""#,
      #""body":\#(body())"#,
      #""extra":\#(value(depth: 1))"#,
    ]
    if count(2) == 0 { members.append(#""reply_to":\#(1 + count(1_000_000))"#) }
    if count(2) == 0 { members.append(#""id":\#([string(), number(), "7"][count(3)])"#) }
    members.shuffle(using: &random)
    return "{" + members.joined(separator: space() + "," + space()) + "}"
  }

  /// The text with one to three bytes changed, dropped, doubled or spliced.
  mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let hostile = Array(#"{}[]":,\0123456789-+.eEu trfn"#.utf8) + [0, 9, 10, 11, 0x1F, 0x7F]
    for _ in 0...count(3) where !bytes.isEmpty {
      let at = count(bytes.count)
      switch count(5) {
      case 0: bytes[at] = hostile[count(hostile.count)]
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(hostile[count(hostile.count)], at: at)
      case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + count(6)))
      default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + count(9))], at: at)
      }
    }
    return bytes
  }

  private mutating func body() -> String {
    count(3) == 0 ? object(depth: 1) : #"{"text":\#(string()),"more":\#(value(depth: 2))}"#
  }

  private mutating func value(depth: Int) -> String {
    switch count(depth < 5 ? 8 : 6) {
    case 0: "true"
    case 1: "false"
    case 2: "null"
    case 3: number()
    case 4, 5: string()
    case 6: object(depth: depth)
    default: "[" + (0..<count(4)).map { _ in value(depth: depth + 1) }.joined(separator: ",") + "]"
    }
  }

  private mutating func string(prefix: String = "") -> String {
    let parts = [
      "a", "Z", "0", " ", "é", "漢", "😀", "\u{7F}", "\u{2028}", "/", #"\""#, #"\\"#, #"\/"#, #"\b"#,
      #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u0041"#, #"\u00e9"#, #"\uFFFF"#, #"\u0001"#,
      #"\uD83D\uDE00"#, "plain text of some length",
    ]
    return "\"" + prefix + (0..<count(6)).map { _ in parts[count(parts.count)] }.joined() + "\""
  }

  private mutating func number() -> String {
    let parts = ["0", "7", "-1", "123456789", "-0", "9007199254740993", "18446744073709551616"]
    let fractions = ["", "", ".5", ".000", ".123456789123456789"]
    let exponents = ["", "", "", "e5", "E-7", "e+12", "e-200", "E00", "e001"]
    return parts[count(parts.count)] + fractions[count(fractions.count)]
      + exponents[count(exponents.count)]
  }

  private mutating func space() -> String {
    ["", "", "", " ", "\n", "\t\r "][count(6)]
  }

  private mutating func count(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
}

/// A small generator, so that a seed gives the same documents for ever.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
