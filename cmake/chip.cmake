# SPDX-License-Identifier: Apache-2.0
#
# What the libraries need of others on a chip: nanopb's one header, which the generated structs include.

set(GRID_NANOPB_SOURCE "" CACHE PATH "Folder of nanopb's sources (./dev mcu fetches them)")
if(NOT EXISTS ${GRID_NANOPB_SOURCE}/pb.h)
  message(FATAL_ERROR "GRID_NANOPB_SOURCE names no sources of nanopb; ./dev mcu fetches them")
endif()

# Last words are short, and their paths those of the tree.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_compile_definitions(GRID_TERSE)

# Without its runtime: a device links none of it (transport/wire_control.cc).
add_library(nanopb INTERFACE)
target_include_directories(nanopb SYSTEM INTERFACE ${GRID_NANOPB_SOURCE})
add_library(nanopb::protobuf-nanopb-static ALIAS nanopb)
