// ws-load: a one-thread WebSocket load generator for echo servers.
//
// It opens N connections and keeps W messages of S bytes under way on each: a message goes out
// when an echo comes in, so latency is the server's response time under that load, not that of an
// open arrival process. Every echo is checked: frame type, length and each byte.
//
// The result is one JSON object on standard output.
#include "clock.h"
#include "fail.h"
#include "load.h"
#include "memory.h"

#include <limits.h>
#include <stdio.h>

static const double second = 1e9;

static uint64_t after(double seconds) { return now_ns() + (uint64_t)(seconds * second) + 1; }

/// The server's CPU time so far; 0 when its process is not known.
static uint64_t server_cpu(const struct load *load) {
  return load->options.process ? cpu_ns(load->options.process) : 0;
}

static void open_all(struct load *load) {
  uint64_t start = now_ns();
  load_open(load);
  double elapsed = (double)(now_ns() - start) / second;
  printf("{\"connections\":%d,\"open_seconds\":%.4f,\"handshakes_per_s\":%.1f",
         load->options.connections, elapsed, load->options.connections / elapsed);
}

static void measure_echo(struct load *load) {
  uint64_t cpu, own, start;
  if (load->options.messages) {
    load->counting = true;
    cpu = server_cpu(load), own = cpu_ns(0), start = now_ns();
    load_start(load, load->options.messages);
    load_drain(load);
  } else {
    load_start(load, LONG_MAX);
    load_run_until(load, after(load->options.warmup));
    load->counting = true;
    cpu = server_cpu(load), own = cpu_ns(0), start = now_ns();
    load_run_until(load, after(load->options.seconds));
  }
  double elapsed = (double)(now_ns() - start);
  double server = (double)(server_cpu(load) - cpu), client = (double)(cpu_ns(0) - own);
  load->counting = false;
  load_stop(load);
  load_drain(load);
  double messages = (double)load->received;
  if (!load->received) fail("no echo in %.1f s", elapsed / second);
  printf(",\"messages\":%.0f,\"per_s\":%.1f,\"server_cpu_ns\":%.2f,\"server_busy\":%.4f,"
         "\"load_busy\":%.4f,",
         messages, messages / elapsed * second, server / messages, server / elapsed,
         client / elapsed);
  histogram_print_us(&load->latency, "latency_us");
}

/// What the server's memory and the kernel's have grown by, per connection.
static void print_growth(const struct load *load, const char *name, long server, long kernel) {
  double count = load->options.connections;
  printf(",\"%s\":{\"server_bytes\":%.1f,\"kernel_bytes\":%.0f}", name,
         (double)(anonymous_bytes(load->options.process) - server) / count,
         (double)(kernel_bytes() - kernel) / count);
}

static void measure_idle(struct load *load, long server, long kernel) {
  load_run_until(load, after(load->options.seconds));
  print_growth(load, "idle", server, kernel);
  load_start(load, load->options.window);
  load_drain(load);
  load_run_until(load, after(load->options.seconds));
  print_growth(load, "after_burst", server, kernel);
}

int main(int argc, char **argv) {
  static struct load load;
  struct options options = read_options(argc, argv);
  bool idle = options.mode == MODE_IDLE && options.process;
  long server = idle ? anonymous_bytes(options.process) : 0;
  long kernel = idle ? kernel_bytes() : 0;
  load_prepare(&load, &options);
  open_all(&load);
  if (idle) measure_idle(&load, server, kernel);
  else if (options.mode == MODE_IDLE) load_run_until(&load, after(options.seconds));
  else measure_echo(&load);
  puts("}");
  return 0;
}
