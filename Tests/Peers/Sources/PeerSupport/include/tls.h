#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

/// What a server with this certificate and key shakes hands with.
SSL_CTX *tls_server(const char *certificate, const char *key);

/// What a client shakes hands with that believes every server.
SSL_CTX *tls_client(void);

/// The TLS of a connected socket; its handshake is made by the first calls below.
SSL *tls_begin(SSL_CTX *context, int fd);

/// Like recv(), but fills the buffer with as many records as have arrived.
ssize_t tls_recv(SSL *ssl, void *buffer, size_t size);

/// Like send(). What it did not take must come first in the next call.
ssize_t tls_send(SSL *ssl, const void *bytes, size_t size);
