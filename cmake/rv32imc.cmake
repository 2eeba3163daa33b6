# SPDX-License-Identifier: Apache-2.0
#
# Toolchain: rv32imc, the instruction set of an ESP32-C3, with Debian's compiler and picolibc.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR rv32imc)
set(GRID_CHIP_TOOLS riscv64-unknown-elf-)
set(GRID_CHIP_MACHINE "-march=rv32imc -mabi=ilp32 -mcmodel=medany -msave-restore -fno-jump-tables")
include(${CMAKE_CURRENT_LIST_DIR}/chip_toolchain.cmake)
