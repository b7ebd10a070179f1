import ArgumentParser
import FaultInjection
import Glibc
import Logging
import Reactor

/// `chat-server`: a node of the chat.
@main
enum ChatServer {
  static let version = "0.1.0"

  /// sysexits.h: something in the configuration cannot be worked with.
  private static let exitConfiguration: Int32 = 78

  static func main() {
    let settings: Settings
    do {
      let options = try Options.parse()
      if options.version {
        print("chat-server \(version)" + (FaultInjection.isBuiltIn ? ", fault injection" : ""))
        return
      }
      settings = try Settings(options, environment: System.environment())
    } catch let error as SettingsError {
      fail(error.description)
    } catch let error where Options.exitCode(for: error) == .success {
      print(Options.fullMessage(for: error))
      return
    } catch {
      fail(Options.message(for: error))
    }
    System.reserveDescriptors()
    SignalSource.block([SIGTERM, SIGINT, SIGHUP])
    LoggingSystem.bootstrap { _ in
      LineLogHandler(format: settings.logFormat, level: settings.logLevel)
    }
    if let request = FaultInjection.request {
      guard FaultInjection.isUnderstood else { fail("no such fault: \(request)") }
      Logger(label: "chat-server").warning("FAULT INJECTION", metadata: ["fault": "\(request)"])
    }
    do {
      try Node.run(settings)
    } catch {
      fail("\(error)")
    }
  }

  /// Ends the program with one line that says what cannot be worked with.
  private static func fail(_ reason: String) -> Never {
    let line = "chat-server: " + reason.replacing("\n", with: " ") + "\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(exitConfiguration)
  }
}
