# SPDX-License-Identifier: Apache-2.0
#
# What the libraries need of others on a chip: nanopb's runtime, compiled here.

set(GRID_NANOPB_SOURCE "" CACHE PATH "Folder of nanopb's sources (./dev mcu fetches them)")
if(NOT EXISTS ${GRID_NANOPB_SOURCE}/pb_decode.c)
  message(FATAL_ERROR "GRID_NANOPB_SOURCE names no sources of nanopb; ./dev mcu fetches them")
endif()

# Last words are short, and their paths those of the tree.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_compile_definitions(GRID_TERSE)

add_library(nanopb STATIC
  ${GRID_NANOPB_SOURCE}/pb_common.c ${GRID_NANOPB_SOURCE}/pb_decode.c ${GRID_NANOPB_SOURCE}/pb_encode.c)
target_include_directories(nanopb SYSTEM PUBLIC ${GRID_NANOPB_SOURCE})
# Frames are in memory and reasons are ours.
target_compile_definitions(nanopb PUBLIC PB_BUFFER_ONLY PB_NO_ERRMSG)
add_library(nanopb::protobuf-nanopb-static ALIAS nanopb)
