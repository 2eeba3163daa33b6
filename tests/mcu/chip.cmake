# SPDX-License-Identifier: Apache-2.0
#
# The firmware of this folder. GRID_TRANSCRIPTS names the folder where mcu_record has left one transcript a profile.

set(GRID_TRANSCRIPTS "" CACHE PATH "Folder of the transcripts (./dev mcu makes them)")
set(sources ${CMAKE_CURRENT_LIST_DIR})
foreach(profile chip pico)
  set(transcript ${GRID_TRANSCRIPTS}/${profile}.transcript)
  grid_firmware(replica_${profile}
    SOURCES ${sources}/firmware.cc ${sources}/play.cc ${sources}/fixed_store.cc
    LINK grid_runtime)
  target_compile_definitions(replica_${profile} PRIVATE GRID_PROFILE_${profile} GRID_TRANSCRIPT="${transcript}")
  set_property(SOURCE ${sources}/firmware.cc APPEND PROPERTY OBJECT_DEPENDS ${transcript})
endforeach()

# A device that the end-to-end tests start, stop and kill.
grid_firmware(device SOURCES ${sources}/device.cc ${sources}/device_plain.cc LINK grid_bare_inspection)
grid_firmware(device_tls SOURCES ${sources}/device.cc ${sources}/device_tls.cc LINK grid_bare_inspection grid_bare_tls)
