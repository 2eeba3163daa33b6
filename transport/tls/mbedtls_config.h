// SPDX-License-Identifier: Apache-2.0
//
// What of mbedTLS 2.28 is compiled for a chip: a TLS 1.2 client of ECDHE-ECDSA with AES-128-GCM on the curve P-256, and
// certificates of the same. mbedTLS includes it by name; docs/decisions/0014-tls-for-chips.md says how to change it.
#pragma once

// ---- the cipher suite, and the one that signs certificates

#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_SHA256_C
#define MBEDTLS_AES_C
#define MBEDTLS_GCM_C
#define MBEDTLS_SSL_CIPHERSUITES MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256  // What is offered.

// ---- what these stand on

#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CHECK_KEY_USAGE
#define MBEDTLS_X509_CHECK_EXTENDED_KEY_USAGE
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECP_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_MD_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_BASE64_C

// ---- how it speaks

#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
// A server is asked for records that fit: the largest of its handshake, and those of its frames.
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_IN_CONTENT_LEN 4096
#define MBEDTLS_SSL_OUT_CONTENT_LEN 2048

// ---- where it runs

// All its memory is one array of the port's, and no libc's.
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
// Chance is drawn from the port at each call that needs some, so no generator is seeded here.
#define MBEDTLS_ECP_NO_INTERNAL_RNG
// No MBEDTLS_HAVE_TIME: dates are judged by transport/tls/tls_link.cc, by the time of the device.

// ---- small before fast

#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_MPI_MAX_SIZE 48
#define MBEDTLS_MPI_WINDOW_SIZE 1
#define MBEDTLS_X509_REMOVE_INFO

#include <mbedtls/check_config.h>
