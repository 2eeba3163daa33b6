/* SPDX-License-Identifier: Apache-2.0
 *
 * orchard: Grid from C, one call of each kind.
 *
 *     orchard [URL]
 *
 * Writes, reads, asks and counts without a gateway; with one, waits until it has everything on its disk. */

#include <grid/c.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void check(grid_node* node, grid_status status, const char* what) {
  if (status == GRID_OK) return;
  fprintf(stderr, "orchard: %s: %s (%s)\n", what, grid_problem(node), grid_status_name(status));
  exit(1);
}

static void print_row(const char* word, const grid_row* row) {
  char json[256];
  grid_json_of(row->value, json, sizeof(json));
  printf("%s %.*s %s\n", word, (int)row->key_size, row->key, json);
}

static bool visit_row(void* context, const grid_row* row) {
  print_row(context, row);
  return true;
}

static void print_change(void* context, const grid_row* row) {
  print_row("changed", row);
  grid_stop(context);
}

static bool print_hit(void* context, const grid_hit* hit) {
  char json[256];
  grid_json_of(hit->highlights, json, sizeof(json));
  printf("%s %.*s %s\n", (const char*)context, (int)hit->key_size, hit->key, json);
  return true;
}

static void print_found(void* context, const grid_found* found) {
  if (found->status == GRID_OK && found->through < found->head) return;  /* It is told again. */
  if (found->status != GRID_OK) puts(found->reason);
  grid_each_hit(found, print_hit, "found");
  grid_stop(context);
}

static void search(grid_node* node, const char* text) {
  const grid_search_query query = {.map = "trees", .text = text, .limit = 5, .watch = true};
  grid_search* asked = grid_search_begin(node, &query, print_found, node);
  check(node, asked == NULL ? GRID_INVALID : GRID_OK, "search");
  grid_run_for(node, 10000);  /* Until the answer is printed. */
  grid_search_end(asked);
}

static void write_rows(grid_node* node) {
  const grid_field apple[] = {{.name = "kind", .kind = GRID_TEXT, .text = "apple"},
                              {.name = "kilos", .kind = GRID_NUMBER, .number = 12.5},
                              {.name = "ripe", .kind = GRID_BOOLEAN, .integer = 1}};
  check(node, grid_put(node, "trees", "north/1", apple, 3, 0, NULL), "put");
  check(node, grid_put_json(node, "trees", "north/2", "{\"kind\":\"pear\",\"kilos\":7}", 0, NULL), "put_json");

  grid_batch* batch = grid_batch_begin(node);
  check(node, grid_batch_put_json(batch, "trees", "south/1", "{\"kind\":\"plum\",\"kilos\":3}", 0), "batch");
  check(node, grid_batch_remove(batch, "trees", "north/2"), "batch");
  check(node, grid_batch_commit(batch, NULL), "commit");

  check(node, grid_set_add(node, "tags", "north/1", "\"old\"", NULL), "set_add");
  check(node, grid_counter_add(node, "picked", "north/1", 40, NULL), "counter_add");
}

static void read_rows(grid_node* node) {
  grid_value tree;
  check(node, grid_get(node, "trees", "north/1", &tree), "get");
  size_t size;
  const char* kind = grid_bytes_of(grid_field_of(tree, "kind"), &size);
  printf("%.*s, %.1f kg\n", (int)size, kind, grid_number_of(grid_field_of(tree, "kilos"), 0));
  if (grid_get(node, "trees", "north/2", &tree) == GRID_NOT_FOUND) puts("north/2 is gone");

  double kilos = 0;
  char name[32];
  check(node, grid_get_number(node, "trees", "south/1", "kilos", &kilos), "get_number");
  check(node, grid_get_text(node, "trees", "south/1", "kind", name, sizeof(name)), "get_text");
  printf("%s, %.0f kg\n", name, kilos);
  if (grid_get_number(node, "trees", "south/1", "kind", &kilos) == GRID_INVALID) puts(grid_problem(node));

  check(node, grid_scan(node, "trees", "", visit_row, "row"), "scan");
  check(node, grid_scan_range(node, "trees", "o", "t", visit_row, "from o to t"), "scan_range");
  const grid_query query = {.where = "kilos < 10", .order = "kilos desc", .limit = 5};
  check(node, grid_ask(node, "trees", &query, visit_row, "light", NULL, 0), "ask");
  check(node, grid_set_values(node, "tags", "north/1", visit_row, "tag"), "set_values");
  printf("picked %" PRId64 "\n", grid_counter_value(node, "picked", "north/1"));
}

int main(int argc, char** argv) {
  const grid_options options = {.app = "orchard", .store = "orchard", .server = argc > 1 ? argv[1] : NULL};
  char problem[256];
  grid_node* node = grid_open(&options, NULL, problem, sizeof(problem));
  if (node == NULL) {
    fprintf(stderr, "orchard: %s\n", problem);
    return 1;
  }
  write_rows(node);
  read_rows(node);

  if (grid_put_json(node, "trees", "west/1", "{\"kind\":}", 0, NULL) == GRID_INVALID) puts(grid_problem(node));

  grid_watch* watch = grid_watch_rows(node, "trees", "south/", print_change, node);
  grid_run_for(node, 10000);  /* Until the change is printed. */
  grid_unwatch(watch);

  if (options.server != NULL) {
    puts(grid_settle(node, 60000) ? "the gateway has it all" : grid_status_of(node).reason);
    search(node, "appl*");
    search(node, "\"never closed");
  }
  grid_close(node);
  return 0;
}
