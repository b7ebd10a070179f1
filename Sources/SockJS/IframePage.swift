import HTTP1

/// The page in which a client of another Origin runs, so that its requests have ours.
///
/// It loads the same script as the page around it, whose version must be the same.
struct IframePage {
  let text: String
  /// Changes with the page alone.
  let entityTag: String

  /// `scriptURL` is the operator's; quotes and brackets in it are escaped.
  init(scriptURL: String) {
    text = """
      <!DOCTYPE html>
      <html>
      <head>
        <meta http-equiv="X-UA-Compatible" content="IE=edge" />
        <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
        <script src="\(Self.attribute(scriptURL))"></script>
        <script>
          document.domain = document.domain;
          SockJS.bootstrap_iframe();
        </script>
      </head>
      <body>
        <h2>Don't panic!</h2>
        <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
      </body>
      </html>
      """
    // FNV-1a of 64 bits: who could choose the page need not forge its tag.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    entityTag = "\"\(String(hash, radix: 16))\""
  }

  /// Whether the client has this page; RFC 9110, section 13.1.2.
  func isHeld(by request: RequestHead) -> Bool {
    request.headers.elements("if-none-match").contains { tag in
      let isWeak = tag.starts(with: "W/".utf8)
      let opaque = isWeak ? tag.dropFirst(2) : tag
      return opaque.elementsEqual(entityTag.utf8) || opaque.elementsEqual("*".utf8)
    }
  }

  private static func attribute(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": escaped += "&amp;"
      case "\"": escaped += "&quot;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
