# SPDX-License-Identifier: Apache-2.0
#
# What every target of Grid is built with, and the one way to add a library or a program.

find_package(PkgConfig REQUIRED)

# Programs of all folders lie together in TREE/bin; ./dev links those of the release tree into build/bin.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(GRID_CCACHE ccache)
if(GRID_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${GRID_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GRID_CCACHE})
endif()

add_library(grid_flags INTERFACE)
target_include_directories(grid_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(grid_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Werror)
if(GRID_SANITIZE STREQUAL "address")
  target_compile_options(grid_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    -fno-sanitize=vptr)  # It asks for RTTI, which our libraries are built without.
  target_link_options(grid_flags INTERFACE -fsanitize=address,undefined)
elseif(GRID_SANITIZE STREQUAL "thread")
  target_compile_options(grid_flags INTERFACE -fsanitize=thread)
  target_link_options(grid_flags INTERFACE -fsanitize=thread)
endif()

# No exceptions, no RTTI: everything but mains, cli/ and the code of tests.
add_library(grid_lean INTERFACE)
target_link_libraries(grid_lean INTERFACE grid_flags)
target_compile_options(grid_lean INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)

# grid_library(NAME SOURCES a.cc ... [LINK lib ...] [PRIVATE lib ...])
function(grid_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PRIVATE")
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE grid_lean ${arg_PRIVATE})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# grid_small(a.cc ...): what runs at a start, at a reload, for a person or beside something that takes far longer is
# small rather than fast, for gridd has a limit of 2 MiB.
function(grid_small)
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:RelWithDebInfo,Release>:-Os>)
endfunction()
