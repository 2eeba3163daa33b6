// SPDX-License-Identifier: Apache-2.0
//
// Grid for C: a node on a Linux machine, as grid/linux.h has it for C++. C99; docs/c.md shows it at work.
//
// Place     Top of ports/linux, beside grid/linux.h.
// Promises  No exception and no C++ type comes across. A call that can fail returns a grid_status, and grid_problem()
//           is the last trouble as a sentence. No call blocks but grid_wait, grid_settle, grid_flush, grid_run_for,
//           grid_close, and writes under GRID_PAUSE. A program that runs out of memory ends.
// Ownership Text goes in as UTF-8 that ends with a zero, and is not kept. A grid_value, and what is read from it,
//           stands until the next call that takes the same node. Null is no legal argument but where it is said.
// Threads   One a node: all calls on a node come from the thread that opened it, but grid_post. Callbacks run in that
//           thread, within the calls that block.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what calls return */

typedef enum grid_status {
  GRID_OK = 0,
  GRID_FULL,        /* The log of unsent writes, the store, or a limit: make room, or try later. */
  GRID_NOT_FOUND,   /* There is no such row or value. */
  GRID_INVALID,     /* An argument breaks a rule: the same call can't succeed. */
  GRID_TOO_LARGE,   /* An argument is longer than its limit. */
  GRID_CORRUPT,     /* Bytes from outside, or of the store, are damaged. */
  GRID_CLOCK_AHEAD, /* A stamp is too far in the future. */
  GRID_DENIED,      /* The store is another app's, or this user may not write it. */
  GRID_BUSY,        /* Another process has the store open; or a callback asked to wait. */
  GRID_NEWER,       /* The store is of a later release. */
  GRID_IO,          /* The store or the link failed. After the store has, every call says so. */
  GRID_CONFLICT,    /* Something else stands than was expected. */
  GRID_COLLECTED    /* It was written without knowing of a deletion, which is settled. */
} grid_status;

const char* grid_status_name(grid_status status); /* "ok", "not_found", ... */

/* ---- a node */

typedef struct grid_node grid_node;

typedef enum grid_on_full { GRID_REFUSE = 0, GRID_DROP_OLDEST, GRID_PAUSE } grid_on_full;

/* What is kept of a map that this node writes, and subscribes to nothing of (docs/retention.md). */
#define GRID_KEEP_ALL UINT32_MAX
typedef struct grid_keep {
  const char* map;
  uint32_t rows_max;   /* The newest; GRID_KEEP_ALL: all but what is removed or has expired. */
  uint64_t age_ms_max; /* 0: of any age. */
} grid_keep;

/* All zeros are the defaults. */
typedef struct grid_options {
  const char* app;      /* The tenant; null: "default". */
  const char* store;    /* A directory, made when missing; null: memory only, nothing is kept. */
  const char* server;   /* ws://HOST:PORT or wss://HOST:PORT; null: never connects. */
  const char* inspect;  /* A Unix socket for `gridctl --target unix:PATH`; null: none. */
  const char* key_file; /* Encrypts the store (docs/encryption.md): a path, or credential:NAME; null: not encrypted. */
  const char* old_key_file; /* The key before it: grid_open() brings the store to the new one. */
  bool offline;             /* Starts off the net; grid_online() goes on. */
  grid_on_full on_full;
  uint32_t pending_ops_max; /* 0: four million. */
  uint32_t pause_ms_max;    /* 0: 30 s. */
  const grid_keep* keep;    /* One for each map that has a rule; read by grid_open(). Null: no rules. */
  size_t keep_count;
  const char* token;      /* Who this device is, to the server (docs/auth.md); null: nobody. */
  const char* token_file; /* The same, in a file that is read for each link; null: none. */
  /* Gives a token when there is none, when it nears its end, and when it was refused; null: none yet. Its text is
   * copied. Called within the calls on the node, on which it makes none itself. */
  const char* (*on_token)(void* context);
  void* token_context;
  const char* ca;          /* For wss://, a PEM file: whom to trust; null: the system's store. */
  const char* certificate; /* PEM files: what to show to a server that asks, and its private key; null: nothing. */
  const char* key;
} grid_options;

/* A node, to be closed with grid_close(). Null when it can't be opened: then `status` says why, and `problem`, memory
 * of `problem_bytes`, holds the sentence, as far as it fits. Both may be null. */
grid_node* grid_open(const grid_options* options, grid_status* status, char* problem, size_t problem_bytes);
/* Flushes, says goodbye, and ends the node with its watches, searches and batches. Null: nothing. */
void grid_close(grid_node* node);
/* Shows this token from now on: in session, and at once to a server that has refused the one before. */
grid_status grid_show_token(grid_node* node, const char* token);
/* The last trouble. Never null; stands until the next call on the node. */
const char* grid_problem(const grid_node* node);

/* ---- values, read where they lie */

typedef struct grid_value {
  const void* bytes;
  size_t size; /* 0: absent. */
} grid_value;

typedef enum grid_kind {
  GRID_ABSENT = 0,
  GRID_NULL,
  GRID_BOOLEAN,
  GRID_INTEGER,
  GRID_NUMBER,
  GRID_TEXT,
  GRID_BYTES,
  GRID_TIMESTAMP,
  GRID_REF,
  GRID_LIST,
  GRID_RECORD,
  GRID_STUB /* Too large for this device: it exists, and can't be read here. */
} grid_kind;

grid_kind grid_kind_of(grid_value value);
/* The field of a record; absent when this is none, or has no such field. */
grid_value grid_field_of(grid_value record, const char* name);
/* The value if it is of that kind, else `otherwise`. grid_number_of() takes integers too. */
bool grid_boolean_of(grid_value value, bool otherwise);
int64_t grid_integer_of(grid_value value, int64_t otherwise);
double grid_number_of(grid_value value, double otherwise);
int64_t grid_timestamp_of(grid_value value, int64_t otherwise);
/* The bytes of a text, a ref, or bytes, without a zero at the end; null when it is none of them. */
const char* grid_bytes_of(grid_value value, size_t* size);
/* The value as JSON in `room`, with a zero at the end, as far as it fits. Returns how long the whole is without it. */
size_t grid_json_of(grid_value value, char* room, size_t room_bytes);

/* A row that is being visited, or that has changed. */
typedef struct grid_row {
  const char* map; /* Without zeros at the ends: by size. */
  size_t map_size;
  const char* key;
  size_t key_size;
  grid_value value; /* Absent: the row was removed. */
  bool local;       /* Written on this device. */
} grid_row;

/* Goes on while it returns true. Makes no calls on the node. */
typedef bool (*grid_visit)(void* context, const grid_row* row);

/* ---- rows */

typedef struct grid_field {
  const char* name;
  grid_kind kind;   /* Of GRID_NULL to GRID_TEXT. */
  int64_t integer;  /* Of an integer; of a boolean, 0 or 1. */
  double number;    /* Of a number. */
  const char* text; /* Of a text. */
} grid_field;

/* Writes stand here at once, and travel when there is a link. `ttl_ms` 0: the row never expires. `write`, which may be
 * null, gets a number for grid_outcome_of() and grid_wait().
 *   GRID_INVALID, GRID_TOO_LARGE  A name, key or value breaks a rule, or the JSON is none: the problem says where.
 *   GRID_FULL                     docs/writes.md
 *   GRID_NOT_FOUND                There is nothing to remove from the set. */
grid_status grid_put(grid_node* node, const char* map, const char* key, const grid_field* fields, size_t field_count,
                     uint64_t ttl_ms, uint64_t* write);
grid_status grid_put_json(grid_node* node, const char* map, const char* key, const char* json, uint64_t ttl_ms,
                          uint64_t* write);
grid_status grid_remove(grid_node* node, const char* map, const char* key, uint64_t* write);

/*   GRID_NOT_FOUND  No row stands; `value` is absent. */
grid_status grid_get(grid_node* node, const char* map, const char* key, grid_value* value);

/* One field of a row, and nothing else of it. `path` is names with points between them, "outside.temp"; one that has a
 * point in it stands in double quotes. "" is the value itself. What is not found stays as it was:
 *     double temp = 20;
 *     grid_get_number(node, "climate", "bench/3", "outside.temp", &temp);
 *   GRID_NOT_FOUND  No row stands, or it has no such field.
 *   GRID_INVALID    The field is of another kind, or the path is none: the problem says which.
 *   GRID_TOO_LARGE  The value is a stub. */
grid_status grid_get_field(grid_node* node, const char* map, const char* key, const char* path, grid_value* value);
grid_status grid_get_boolean(grid_node* node, const char* map, const char* key, const char* path, bool* value);
grid_status grid_get_integer(grid_node* node, const char* map, const char* key, const char* path, int64_t* value);
grid_status grid_get_number(grid_node* node, const char* map, const char* key, const char* path, double* value);
grid_status grid_get_timestamp(grid_node* node, const char* map, const char* key, const char* path, int64_t* value);
/* A text or a ref into `room`, with a zero at its end. GRID_TOO_LARGE also when it does not fit: then nothing of it is
 * there. */
grid_status grid_get_text(grid_node* node, const char* map, const char* key, const char* path, char* room,
                          size_t room_bytes);

/* Visits the rows whose key begins with `prefix` ("": all), in key order. */
grid_status grid_scan(grid_node* node, const char* map, const char* prefix, grid_visit visit, void* context);
/* The same from key `from` on, up to but without `to`; "" is the map's begin or end. */
grid_status grid_scan_range(grid_node* node, const char* map, const char* from, const char* to, grid_visit visit,
                            void* context);

typedef struct grid_query {
  const char* where; /* docs/queries.md; null: every row. Text that comes from users does not belong into it. */
  const char* order; /* Null: by key. */
  uint64_t limit;    /* 0: all of them. */
  const char* after; /* The cursor of the page before; null: from the beginning. */
} grid_query;

/* The cursor of the next page goes into `cursor`, memory of `cursor_bytes`, with a zero at the end; empty: there is no
 * more. Null: it is not wanted. Whoever stops a visit early gets the cursor behind the whole page all the same.
 *   GRID_INVALID, GRID_TOO_LARGE  The query is none: the problem names the column. Or there is no room for the cursor.
 */
grid_status grid_ask(grid_node* node, const char* map, const grid_query* query, grid_visit visit, void* context,
                     char* cursor, size_t cursor_bytes);

/* ---- following rows */

typedef struct grid_watch grid_watch;
/* Makes calls as it likes, but for those that block; it may end its own watch. */
typedef void (*grid_changed)(void* context, const grid_row* row);

/* Pulls and keeps current what matches `pattern` ("" or something that ends in '/': a prefix, the rest is one key), and
 * calls back for every row that stands and for each later change, until grid_unwatch(). Null when it can't: the problem
 * says why. */
grid_watch* grid_watch_rows(grid_node* node, const char* map, const char* pattern, grid_changed changed, void* context);
void grid_unwatch(grid_watch* watch); /* Null: nothing. */
/* The same without callbacks, for as long as the node lives. */
grid_status grid_subscribe(grid_node* node, const char* map, const char* pattern);

/* ---- the server's full-text search (docs/search.md) */

typedef struct grid_search grid_search;

typedef struct grid_search_query {
  const char* map;
  const char* text;  /* What somebody typed: words, "phrases", prefix*, -word. */
  uint32_t limit;    /* 0: as the server likes. */
  double after_rank; /* Of the last hit of the page before, */
  const char* after; /* and its key; null: from the best one on. */
  bool watch;        /* To be told again whenever the answer changes. */
} grid_search_query;

/* Stands until the callback returns. */
typedef struct grid_found {
  grid_status status; /* GRID_OK: the hits are the answer. GRID_NOT_FOUND: the server has no such search. */
  const char* reason; /* Of another status: a sentence. */
  bool more;          /* There are hits behind the last. */
  bool building;      /* The index is being built: hits are missing. */
  uint64_t through;   /* Arrivals at the server that the answer knows of, */
  uint64_t head;      /* of so many. */
  const void* hits;   /* For grid_each_hit(). */
} grid_found;

typedef struct grid_hit {
  const char* key; /* By size. */
  size_t key_size;
  double rank;           /* The less, the better. */
  grid_value highlights; /* A record: field -> list of texts, by turns outside and inside of a match. */
} grid_hit;

/* Makes calls as grid_changed does; it may end its own search. */
typedef void (*grid_on_found)(void* context, const grid_found* found);
/* Goes on while it returns true. */
typedef bool (*grid_visit_hit)(void* context, const grid_hit* hit);

/* Asks the server, now or as soon as there is a link, until grid_search_end(). Null when it can't: the problem says
 * why. */
grid_search* grid_search_begin(grid_node* node, const grid_search_query* query, grid_on_found found, void* context);
void grid_search_end(grid_search* search); /* Null: nothing. */
/* Visits the hits, the best first. */
void grid_each_hit(const grid_found* found, grid_visit_hit visit, void* context);

/* ---- sets and counters (docs/views.md) */

grid_status grid_set_add(grid_node* node, const char* map, const char* key, const char* json, uint64_t* write);
grid_status grid_set_remove(grid_node* node, const char* map, const char* key, const char* json, uint64_t* write);
/* Visits each value that the key holds, once. */
grid_status grid_set_values(grid_node* node, const char* map, const char* key, grid_visit visit, void* context);
grid_status grid_counter_add(grid_node* node, const char* map, const char* key, int64_t by, uint64_t* write);
int64_t grid_counter_value(grid_node* node, const char* map, const char* key);

/* ---- several rows at once or none */

typedef struct grid_batch grid_batch;

grid_batch* grid_batch_begin(grid_node* node);
grid_status grid_batch_put_json(grid_batch* batch, const char* map, const char* key, const char* json, uint64_t ttl_ms);
grid_status grid_batch_remove(grid_batch* batch, const char* map, const char* key);
/* Writes all of it or nothing, and ends the batch either way. */
grid_status grid_batch_commit(grid_batch* batch, uint64_t* write);
void grid_batch_discard(grid_batch* batch); /* Null: nothing. */

/* ---- what becomes of writes, and running */

typedef enum grid_outcome {
  GRID_PENDING = 0,
  GRID_APPLIED,    /* The server has it in memory, */
  GRID_DURABLE,    /* and on its disk. */
  GRID_SUPERSEDED, /* A later write of the row took its place before it was sent. */
  GRID_REJECTED,   /* The server refused it. */
  GRID_DROPPED,    /* Taken back here, because the log was full. */
  GRID_LOST_WITH   /* Superseded before it was sent, by a write that the server refused. */
} grid_outcome;

const char* grid_outcome_name(grid_outcome outcome);
grid_outcome grid_outcome_of(grid_node* node, uint64_t write);

/* Run the loop: links, callbacks, expiry. A program without a loop of its own calls grid_run_for() again and again.
 * From within a callback they return at once: false, or GRID_BUSY. */
bool grid_wait(grid_node* node, uint64_t write, grid_outcome outcome, uint64_t timeout_ms);
bool grid_settle(grid_node* node, uint64_t timeout_ms); /* True: the server has all writes on its disk. */
void grid_run_for(grid_node* node, uint64_t ms);
void grid_stop(grid_node* node);         /* Ends the grid_run_for() that this callback runs in. */
grid_status grid_flush(grid_node* node); /* Everything written so far is on this machine's disk. */
/* Runs `work` on the node's thread. The one call that any thread may make. */
void grid_post(grid_node* node, void (*work)(void* context), void* context);

grid_status grid_online(grid_node* node); /* GRID_INVALID: no server was given. */
void grid_offline(grid_node* node);

typedef struct grid_node_status {
  const char* state;  /* "realtime", ...: docs/writes.md. Constant text, as `reason`. */
  const char* reason; /* "none", "unreachable", ... */
  uint64_t node;
  uint64_t ops_pending;
  uint64_t ops_pending_max;
  bool current; /* Every subscription has everything that the server had when it was asked. */
  bool quiet;   /* Current, and nothing is pending or uncommitted. */
} grid_node_status;

grid_node_status grid_status_of(grid_node* node);

#ifdef __cplusplus
}
#endif
