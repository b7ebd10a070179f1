#include "options.h"

#include "fail.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

static const char usage[] =
    "use: ws-load -p PORT [options], against 127.0.0.1\n"
    "  -n N  connections (1)              -w N  messages under way on each (1)\n"
    "  -s N  bytes of a message (64)      -T    text messages, not binary\n"
    "  -S    by TLS, whatever the certificate\n"
    "  -m N  so many messages each, instead of\n"
    "  -t S  seconds to measure (5)       -r S  seconds before that (1)\n"
    "  -c N  handshakes at once (64)      -u PATH (/)\n"
    "  -i    idle: measure memory with silent connections, after -t seconds, and again after a\n"
    "        burst of -w messages on each\n"
    "  -H NAME  a chat server: each says hello as NAME-0, NAME-1, ... and is open when greeted\n"
    "  -P N  the server's process, for its CPU and memory";

struct options read_options(int argc, char **argv) {
  struct options o = {.path = "/", .connections = 1, .handshakes = 64, .window = 1, .size = 64,
                      .seconds = 5, .warmup = 1};
  int port = 0;
  for (int letter; (letter = getopt(argc, argv, "p:u:n:c:w:s:m:t:r:P:H:TSi")) != -1;) {
    switch (letter) {
      case 'p': port = (int)number(optarg, 1, UINT16_MAX); break;
      case 'u': o.path = optarg; break;
      case 'n': o.connections = (int)number(optarg, 1, 1e6); break;
      case 'c': o.handshakes = (int)number(optarg, 1, 1e6); break;
      case 'w': o.window = (int)number(optarg, 1, 1e5); break;
      case 's': o.size = (int)number(optarg, 1, 1 << 24); break;
      case 'm': o.messages = (long)number(optarg, 1, 1e12); break;
      case 't': o.seconds = number(optarg, 0.01, 1e5); break;
      case 'r': o.warmup = number(optarg, 0, 1e5); break;
      case 'P': o.process = (pid_t)number(optarg, 1, INT_MAX); break;
      case 'H': o.hello = optarg; break;
      case 'T': o.text = true; break;
      case 'S': o.secure = true; break;
      case 'i': o.mode = MODE_IDLE; break;
      default: fail("%s", usage);
    }
  }
  if (!port || optind < argc) fail("%s", usage);
  o.server = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return o;
}
