# SPDX-License-Identifier: Apache-2.0
#
# The firmware of this folder. GRID_TRANSCRIPTS names the folder where mcu_record has left one transcript a profile.

set(GRID_TRANSCRIPTS "" CACHE PATH "Folder of the transcripts (./dev mcu makes them)")
set(sources ${CMAKE_CURRENT_LIST_DIR})
set(limits_of_chip kChip)
set(limits_of_pico kPico)
set(limits_of_nano kNano)
foreach(profile chip pico nano)
  set(transcript ${GRID_TRANSCRIPTS}/${profile}.transcript)
  grid_firmware(replica_${profile}
    SOURCES ${sources}/firmware.cc ${sources}/play.cc ${sources}/fixed_store.cc
    LINK grid_runtime)
  target_compile_definitions(replica_${profile} PRIVATE
    GRID_LIMITS=${limits_of_${profile}} GRID_TRANSCRIPT="${transcript}")
  set_property(SOURCE ${sources}/firmware.cc APPEND PROPERTY OBJECT_DEPENDS ${transcript})

  # Weighed, and never run.
  grid_firmware(weigh_${profile} SOURCES ${sources}/weigh.cc LINK grid_bare_host)
  target_compile_definitions(weigh_${profile} PRIVATE GRID_LIMITS=${limits_of_${profile}})
endforeach()

# The same with what a device links only if it uses it, one at a time.
set(library_of_inspect grid_bare_inspection)
set(library_of_predicates grid_query)
set(library_of_datalog grid_small_datalog grid_query_maker grid_datalog)
set(library_of_datalog_lean grid_small_datalog grid_query_maker grid_datalog_lean)
set(library_of_datalog_text grid_small_datalog grid_datalog_text grid_datalog)
foreach(part inspect sets counters batch predicates channels facts datalog datalog_lean datalog_text)
  grid_firmware(weigh_with_${part} SOURCES ${sources}/weigh.cc LINK grid_bare_host ${library_of_${part}})
  target_compile_definitions(weigh_with_${part} PRIVATE GRID_LIMITS=kChip GRID_PART_${part})
endforeach()

# Datalog without a heap: asked in C++, by texts, and in C++ of an engine that has not all of the language.
function(grid_asked name asked)
  grid_firmware(asked_${name}
    SOURCES ${sources}/ask.cc ${sources}/asking.cc ${sources}/asked_${asked}.cc
    LINK grid_bare_inspection grid_small_datalog ${ARGN})
endfunction()
grid_asked(made made grid_query_maker grid_datalog)
grid_asked(read read grid_datalog_text grid_datalog)
grid_asked(lean made grid_query_maker grid_datalog_lean)
target_compile_definitions(asked_lean PRIVATE GRID_LEAN)

# A device that the end-to-end tests start, stop and kill.
grid_firmware(device SOURCES ${sources}/device.cc ${sources}/device_plain.cc LINK grid_bare_inspection)
grid_firmware(device_tls SOURCES ${sources}/device.cc ${sources}/device_tls.cc LINK grid_bare_inspection grid_bare_tls)
grid_firmware(device_nano SOURCES ${sources}/device.cc ${sources}/device_plain.cc LINK grid_bare_inspection)
foreach(device device device_tls)
  target_compile_definitions(${device} PRIVATE GRID_LIMITS=kChip GRID_CELLS=1536)
endforeach()
target_compile_definitions(device_nano PRIVATE GRID_LIMITS=kNano GRID_CELLS=256)
