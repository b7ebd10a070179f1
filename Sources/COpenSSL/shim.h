#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// OpenSSL's macros, which Swift cannot see. Each is named like what it wraps.

static inline int copenssl_ctx_set_protocols(SSL_CTX *context, int lowest, int highest) {
  return SSL_CTX_set_min_proto_version(context, lowest) &&
         SSL_CTX_set_max_proto_version(context, highest);
}

/// No compression and no renegotiation; a server's order of ciphers decides, except that a client
/// without AES in hardware gets ChaCha20.
static inline void copenssl_ctx_set_options(SSL_CTX *context, int is_server) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (is_server)
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

static inline void copenssl_ctx_set_mode(SSL_CTX *context, long mode) {
  SSL_CTX_set_mode(context, mode);
}

static inline void copenssl_ctx_set_read_ahead(SSL_CTX *context, int on) {
  SSL_CTX_set_read_ahead(context, on);
}

static inline void copenssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
  SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int copenssl_ctx_set1_groups_list(SSL_CTX *context, const char *groups) {
  return (int)SSL_CTX_set1_groups_list(context, (char *)groups);
}

/// Takes exactly the number of bytes that `copenssl_ticket_keys_size` says.
static inline int copenssl_ctx_set_ticket_keys(SSL_CTX *context, const void *keys, long size) {
  return (int)SSL_CTX_set_tlsext_ticket_keys(context, (void *)keys, size);
}

static inline long copenssl_ticket_keys_size(SSL_CTX *context) {
  return SSL_CTX_set_tlsext_ticket_keys(context, NULL, 0);
}

static inline int copenssl_ctx_get0_chain(SSL_CTX *context, STACK_OF(X509) **chain) {
  return (int)SSL_CTX_get0_chain_certs(context, chain);
}

static inline int copenssl_set_host_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, (char *)name);
}

static inline void copenssl_bio_should_read_again(BIO *bio) {
  BIO_clear_retry_flags(bio);
  BIO_set_retry_read(bio);
}

/// The `errno` of an error of the system, else 0.
static inline int copenssl_err_errno(unsigned long code) {
  return ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) : 0;
}
