#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

enum mode {
  MODE_ECHO,  // keep a window of messages under way
  MODE_IDLE,  // only stay connected, at first
};

struct options {
  enum mode mode;
  struct sockaddr_in server;
  const char *path;
  int connections;
  int handshakes;  // under way at once, at most
  int window;      // messages under way per connection
  int size;        // bytes of a message
  long messages;   // per connection, or 0: as many as there is time for
  double seconds;
  double warmup;   // seconds before anything counts
  pid_t process;   // the server's, or 0: unknown
  bool text;
  bool secure;     // by TLS, whatever the certificate
  const char *hello;  // begins the users' names, or NULL: no chat server
};

/// Reads the command line; fails with a usage text when it makes no sense.
struct options read_options(int argc, char **argv);
