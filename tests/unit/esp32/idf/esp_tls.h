// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_tls.h: what ports/esp32 uses.
#pragma once

#include <esp_err.h>
#include <sys/types.h>

#include <cstddef>

#define ESP_TLS_ERR_SSL_WANT_READ (-0x6900)
#define ESP_TLS_ERR_SSL_WANT_WRITE (-0x6880)

struct esp_tls;
using esp_tls_t = esp_tls;
struct esp_tls_last_error;
using esp_tls_error_handle_t = esp_tls_last_error*;

struct esp_tls_cfg_t {
  union {
    const unsigned char* cacert_buf;
    const unsigned char* cacert_pem_buf;
  };
  union {
    unsigned int cacert_bytes;
    unsigned int cacert_pem_bytes;
  };
  bool non_block;
  int timeout_ms;
  esp_err_t (*crt_bundle_attach)(void* config);
  bool is_plain_tcp;
};

extern "C" {
esp_tls_t* esp_tls_init();
int esp_tls_conn_new_async(const char* host, int host_bytes, int port, const esp_tls_cfg_t* config, esp_tls_t* tls);
ssize_t esp_tls_conn_write(esp_tls_t* tls, const void* data, std::size_t size);
ssize_t esp_tls_conn_read(esp_tls_t* tls, void* data, std::size_t size);
int esp_tls_conn_destroy(esp_tls_t* tls);
ssize_t esp_tls_get_bytes_avail(esp_tls_t* tls);
esp_err_t esp_tls_get_conn_sockfd(esp_tls_t* tls, int* socket);
esp_err_t esp_tls_get_error_handle(esp_tls_t* tls, esp_tls_error_handle_t* handle);
esp_err_t esp_tls_get_and_clear_last_error(esp_tls_error_handle_t handle, int* code, int* flags);
}
