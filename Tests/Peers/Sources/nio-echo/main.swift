// nio-echo: the WebSocket echo that a SwiftNIO user would write, with the usual tuning: one loop,
// no delay, and one flush per batch of reads.
//
// Use: nio-echo PORT, on 127.0.0.1.
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .text, .binary, .continuation:
      write(frame.opcode, isFinal: frame.fin, frame.unmaskedData, on: context)
    case .ping:
      write(.pong, isFinal: true, frame.unmaskedData, on: context)
    case .connectionClose:
      context.close(promise: nil)
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func write(
    _ opcode: WebSocketOpcode, isFinal: Bool, _ payload: ByteBuffer,
    on context: ChannelHandlerContext
  ) {
    let frame = WebSocketFrame(fin: isFinal, opcode: opcode, data: payload)
    context.write(wrapOutboundOut(frame), promise: nil)
  }
}

guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
  fatalError("use: nio-echo PORT")
}
let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let server = try ServerBootstrap(group: group)
  .serverChannelOption(.backlog, value: 4096)
  .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
  .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  .childChannelOption(.maxMessagesPerRead, value: 16)
  .childChannelInitializer { channel in
    let upgrader = NIOWebSocketServerUpgrader(
      maxFrameSize: 1 << 24,
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
      upgradePipelineHandler: { channel, _ in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(EchoHandler())
        }
      })
    return channel.pipeline.configureHTTPServerPipeline(
      withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
  }
  .bind(host: "127.0.0.1", port: port).wait()
try server.closeFuture.wait()
