// ws-attack: connections that are slow, silent and loud, all at once, against a chat server.
//
// 1,000 drip the head of a request that never ends, 1,000 drip messages, 2,000 are sent messages
// and never read, and 1,100 ping as often as the server lets them. A connection that is lost comes
// again. Everything is paced in steps of a millisecond, each connection in its turn; what was
// missed, because the program was stopped, is not caught up with.
//
// With each SIGUSR1 it prints one line, a JSON object: what it has done since it started.
#include "attack.h"

#include "clock.h"
#include "fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "use: ws-attack -p PORT [options], against 127.0.0.1\n"
    "  -d N  connections that drip, half of them heads (2000)   -D N  bytes a second (4000)\n"
    "  -m N  connections that never read (2000)                 -u N  users they belong to (100)\n"
    "  -M N  messages a second to those users (100)\n"
    "  -i N  connections that ping (1100)                       -I N  pings a second (10000)";

static const uint64_t step_ns = 1000000, second_ns = 1000000000;
/// Connections begun in one step.
enum { OPENED_PER_STEP = 4, EVENTS_MAX = 512 };

static volatile sig_atomic_t is_asked;

static void ask(int number) {
  (void)number;
  is_asked = 1;
}

static void make_group(struct attack *attack, enum kind kind, int count, double per_second) {
  struct peer *peers = calloc((size_t)count + 1, sizeof *peers);
  if (!peers) fail("out of memory");
  for (int i = 0; i < count; i++) peers[i] = (struct peer){.fd = -1, .kind = kind, .number = i};
  attack->groups[kind] = (struct group){.count = count, .per_second = per_second, .peers = peers};
}

static void read_options(struct attack *attack, int argc, char **argv) {
  int port = 0, drips = 2000, mutes = 2000, pings = 1100, users = 100;
  double drip_rate = 4000, message_rate = 100, ping_rate = 10000;
  for (int letter; (letter = getopt(argc, argv, "p:d:D:m:u:M:i:I:")) != -1;) {
    switch (letter) {
      case 'p': port = (int)number(optarg, 1, UINT16_MAX); break;
      case 'd': drips = (int)number(optarg, 0, 1e5); break;
      case 'D': drip_rate = number(optarg, 0, 1e6); break;
      case 'm': mutes = (int)number(optarg, 0, 1e5); break;
      case 'u': users = (int)number(optarg, 1, 1e5); break;
      case 'M': message_rate = number(optarg, 0, 1e6); break;
      case 'i': pings = (int)number(optarg, 0, 1e5); break;
      case 'I': ping_rate = number(optarg, 0, 1e6); break;
      default: fail("%s", usage);
    }
  }
  if (!port || optind < argc) fail("%s", usage);
  attack->server = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  attack->users = users;
  make_group(attack, DRIP_HEAD, drips / 2, drip_rate / 2);
  make_group(attack, DRIP_FRAME, drips - drips / 2, drip_rate / 2);
  make_group(attack, MUTE, mutes, 0);
  make_group(attack, LOUD, mutes ? users : 0, message_rate);
  make_group(attack, PING, pings, ping_rate);
}

/// Begins a few of the connections that are not there yet; false when there are none.
static bool open_some(struct attack *attack) {
  int begun = 0;
  for (int kind = 0; kind < KINDS; kind++) {
    struct group *group = &attack->groups[kind];
    for (int i = group->next; i < group->count; i++, group->next++) {
      if (begun++ == OPENED_PER_STEP) return true;
      peer_open(attack, &group->peers[i]);
    }
  }
  return false;
}

static void act(struct attack *attack, struct group *group, double seconds) {
  if (!group->count) return;
  // Fractions of an act are carried over by counting from the start.
  static double due[KINDS];
  double *left = &due[group - attack->groups];
  for (*left += group->per_second * seconds; *left >= 1; *left -= 1) {
    group->acted++;
    if (!peer_act(attack, &group->peers[group->next % group->count])) group->skipped++;
    group->next = (group->next + 1) % group->count;
  }
}

static void handle_events(struct attack *attack) {
  struct epoll_event events[EVENTS_MAX];
  int count = epoll_wait(attack->poller, events, EVENTS_MAX, 0);
  if (count < 0 && errno != EINTR) fail("epoll_wait: %m");
  for (int i = 0; i < count; i++) peer_ready(attack, events[i].data.ptr, events[i].events);
}

static void report(const struct attack *attack) {
  static const char *names[KINDS] = {"head", "frame", "mute", "loud", "ping"};
  printf("{\"seconds\":%.6f", (double)now_ns() / (double)second_ns);
  for (int kind = 0; kind < KINDS; kind++) {
    const struct group *group = &attack->groups[kind];
    printf(",\"%s\":{\"connections\":%d,\"opened\":%lu,\"done\":%lu,\"skipped\":%lu", names[kind],
           group->count, (unsigned long)group->opened,
           (unsigned long)(group->acted - group->skipped), (unsigned long)group->skipped);
    printf(",\"answers\":%lu}", (unsigned long)group->answers);
  }
  puts("}");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static struct attack attack;
  read_options(&attack, argc, argv);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) fail("getrlimit: %m");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  attack.poller = epoll_create1(EPOLL_CLOEXEC);
  if (attack.poller < 0) fail("epoll_create1: %m");
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ask}, NULL);

  bool opening = true;
  uint64_t last = now_ns();
  for (;;) {
    sleep_until(last + step_ns);
    uint64_t now = now_ns();
    uint64_t passed = now - last < 10 * step_ns ? now - last : 10 * step_ns;
    last = now;
    if (opening) opening = open_some(&attack);
    else
      for (int kind = 0; kind < KINDS; kind++)
        act(&attack, &attack.groups[kind], (double)passed / (double)second_ns);
    handle_events(&attack);
    if (is_asked) {
      is_asked = 0;
      report(&attack);
    }
  }
}
