#include "tls.h"

#include "fail.h"

#include <errno.h>
#include <openssl/err.h>

static SSL_CTX *made(SSL_CTX *context) {
  if (!context) fail("cannot make a TLS context");
  // The same suite on both sides, and for all servers that are compared.
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

SSL_CTX *tls_server(const char *certificate, const char *key) {
  SSL_CTX *context = made(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    fail("cannot use %s and %s", certificate, key);
  SSL_CTX_set_num_tickets(context, 1);
  return context;
}

SSL_CTX *tls_client(void) { return made(SSL_CTX_new(TLS_client_method())); }

SSL *tls_begin(SSL_CTX *context, int fd) {
  SSL *ssl = SSL_new(context);
  if (!ssl || SSL_set_fd(ssl, fd) != 1) fail("cannot begin TLS");
  return ssl;
}

/// The number that recv() and send() would give, with errno.
static ssize_t outcome(SSL *ssl, int result) {
  if (result > 0) return result;
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
  }
}

ssize_t tls_recv(SSL *ssl, void *buffer, size_t size) {
  size_t have = 0;
  while (have < size) {
    ERR_clear_error();
    ssize_t got = outcome(ssl, SSL_read(ssl, (char *)buffer + have, (int)(size - have)));
    if (got <= 0) return have ? (ssize_t)have : got;
    have += (size_t)got;
  }
  return (ssize_t)have;
}

ssize_t tls_send(SSL *ssl, const void *bytes, size_t size) {
  size_t sent = 0;
  // It writes a record and returns.
  while (sent < size) {
    ERR_clear_error();
    ssize_t put = outcome(ssl, SSL_write(ssl, (const char *)bytes + sent, (int)(size - sent)));
    if (put <= 0) return sent ? (ssize_t)sent : put;
    sent += (size_t)put;
  }
  return (ssize_t)sent;
}
