# SPDX-License-Identifier: Apache-2.0
#
# Toolchain: Cortex-M3 (Thumb-2, no floating point unit), with Debian's compiler and picolibc.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m3)
set(GRID_CHIP_TOOLS arm-none-eabi-)
# What changed between compilers that nobody here uses is no news.
set(GRID_CHIP_MACHINE "-mcpu=cortex-m3 -mthumb -Wno-psabi")
include(${CMAKE_CURRENT_LIST_DIR}/chip_toolchain.cmake)
