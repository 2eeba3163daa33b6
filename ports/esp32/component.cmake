# SPDX-License-Identifier: Apache-2.0
#
# Grid as a component of ESP-IDF. The CMakeLists.txt at the root includes this when ESP-IDF builds; nothing else does.
#
# ESP-IDF reads it twice: first as a script, for the names of what is required, where idf_component_register() ends it.

get_filename_component(grid ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
# ESP-IDF has neither nanopb nor a compiler for .proto files: `./dev package` puts all of that here.
set(third_party ${grid}/third_party)

# What a device is made of; the rest of Grid is for gateways. `./dev package` takes these, and the headers that they
# see.
set(GRID_SOURCES
  crdt/cell.cc crdt/clock.cc crdt/facts.cc crdt/hash_small.cc crdt/merkle.cc crdt/partition.cc crdt/pn_counter.cc
  crdt/stamp.cc
  crdt/value.cc crdt/value_writer.cc
  crdt/query/analysis.cc crdt/query/compile.cc crdt/query/cursor.cc crdt/query/lexer.cc crdt/query/literal.cc
  crdt/query/order.cc crdt/query/parser.cc crdt/query/path.cc crdt/query/predicate.cc crdt/query/sort.cc
  crdt/query/trouble.cc
  crdt/datalog/aggregate.cc crdt/datalog/aggregate_more.cc crdt/datalog/analysis.cc crdt/datalog/answer.cc
  crdt/datalog/atom.cc crdt/datalog/calls.cc crdt/datalog/containers.cc crdt/datalog/edn.cc
  crdt/datalog/edn_lexer.cc crdt/datalog/edn_literal.cc crdt/datalog/engine.cc crdt/datalog/evaluate.cc
  crdt/datalog/expected.cc crdt/datalog/fact_array.cc crdt/datalog/functions.cc crdt/datalog/functions_more.cc
  crdt/datalog/index.cc crdt/datalog/inputs.cc crdt/datalog/lean.cc crdt/datalog/number_text_small.cc
  crdt/datalog/parse.cc crdt/datalog/parse_clauses.cc crdt/datalog/parse_find.cc crdt/datalog/parse_pull.cc
  crdt/datalog/parse_rules.cc crdt/datalog/parse_terms.cc crdt/datalog/plan.cc crdt/datalog/program.cc
  crdt/datalog/puller.cc crdt/datalog/query_maker.cc crdt/datalog/stages.cc crdt/datalog/strata.cc
  crdt/datalog/symbols.cc crdt/datalog/trouble.cc crdt/datalog/unwind.cc crdt/datalog/values.cc
  crdt/datalog/whole.cc
  storage/flash/flash_compact.cc storage/flash/flash_format.cc storage/flash/flash_mount.cc
  storage/flash/flash_reads.cc storage/flash/flash_ring.cc storage/flash/flash_ring_mount.cc
  storage/flash/flash_store.cc
  transport/walk.cc transport/wire_channel.cc transport/wire_control.cc transport/wire_digests.cc
  transport/wire_ops.cc transport/wire_topic.cc
  transport/websocket/handshake.cc transport/websocket/sha1.cc transport/websocket/websocket.cc
  transport/websocket/websocket_send.cc
  runtime/batch_edit.cc runtime/channels.cc runtime/counter_edit.cc runtime/dead_letters.cc runtime/fact_edit.cc
  runtime/fact_rules.cc
  runtime/expiry.cc
  runtime/grid/batch.cc runtime/grid/channels.cc runtime/grid/dead_letters.cc runtime/grid/fact_records.cc
  runtime/grid/facts.cc runtime/grid/fields.cc
  runtime/grid/grid.cc runtime/grid/outbox.cc runtime/grid/schema.cc runtime/grid/small_datalog.cc
  runtime/grid/views.cc runtime/housekeeping.cc
  runtime/lww_map_edit.cc runtime/merkle_walk.cc runtime/names.cc runtime/oplog.cc runtime/oplog_collect.cc
  runtime/oplog_facts.cc
  runtime/oplog_identity.cc runtime/oplog_letters.cc runtime/oplog_unit.cc runtime/oplog_views.cc
  runtime/or_map_edit.cc runtime/pulls.cc runtime/replica.cc runtime/replica_edit.cc runtime/retention.cc
  runtime/scan.cc runtime/scan_rows.cc runtime/schema.cc runtime/scope.cc runtime/state_reasons.cc runtime/sweep.cc
  runtime/sync_compare.cc runtime/sync_session.cc runtime/sync_write.cc runtime/timekeeper.cc runtime/watches.cc
  ports/chip/chip_link.cc ports/chip/chip_loop.cc ports/chip/server_address.cc
  ports/esp32/esp32_board.cc ports/esp32/mailbox.cc ports/esp32/network.cc ports/esp32/panic.cc
  ports/esp32/partition_device.cc ports/esp32/port.cc ports/esp32/settings.cc ports/esp32/tls_link.cc
  ports/esp32/wifi.cc)
set(GRID_GENERATED
  third_party/nanopb/pb_common.c third_party/nanopb/pb_decode.c third_party/nanopb/pb_encode.c
  third_party/generated/transport/proto/grid.pb.c)

set(sources ${GRID_SOURCES} ${GRID_GENERATED})
# One engine of Datalog, or the other (crdt/datalog/lean.h).
if(CONFIG_GRID_DATALOG_WHOLE)
  list(REMOVE_ITEM sources crdt/datalog/lean.cc)
else()
  list(REMOVE_ITEM sources crdt/datalog/aggregate_more.cc crdt/datalog/containers.cc
       crdt/datalog/functions_more.cc crdt/datalog/number_text_small.cc crdt/datalog/puller.cc crdt/datalog/unwind.cc
       crdt/datalog/whole.cc)
endif()
list(TRANSFORM sources PREPEND ${grid}/)
idf_component_register(
  SRCS ${sources}
  INCLUDE_DIRS ${grid} ${grid}/runtime ${grid}/ports/chip ${grid}/ports/esp32
               ${third_party}/nanopb ${third_party}/generated
  REQUIRES esp_partition esp_event esp_netif esp-tls
  PRIV_REQUIRES bootloader_support esp_hw_support esp_timer esp_wifi lwip mbedtls nvs_flash vfs)

if(NOT EXISTS ${third_party}/nanopb/pb_decode.c)
  message(FATAL_ERROR "Grid: this is the source tree, without what ESP-IDF does not have (nanopb, generated "
                      "files). `./dev package` makes the component: unpack build/package/grid-*.tar.gz as "
                      "components/grid")
endif()

target_compile_features(${COMPONENT_LIB} PUBLIC cxx_std_20)
# Frames are in memory and reasons are ours; last words are short, with paths of the tree.
target_compile_definitions(${COMPONENT_LIB} PUBLIC PB_BUFFER_ONLY PB_NO_ERRMSG GRID_TERSE)
target_compile_options(${COMPONENT_LIB} PRIVATE -fmacro-prefix-map=${grid}/=)
