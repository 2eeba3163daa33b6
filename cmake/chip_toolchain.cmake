# SPDX-License-Identifier: Apache-2.0
#
# What the toolchain files of chips share. They set GRID_CHIP_TOOLS, the prefix of the tools' names, and
# GRID_CHIP_MACHINE, the compiler's options for the instruction set, and include this.

set(CMAKE_C_COMPILER ${GRID_CHIP_TOOLS}gcc)
set(CMAKE_CXX_COMPILER ${GRID_CHIP_TOOLS}g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

set(lean "${GRID_CHIP_MACHINE} --specs=picolibc.specs -ffunction-sections -fdata-sections -fno-unwind-tables\
 -fno-asynchronous-unwind-tables")
set(CMAKE_C_FLAGS_INIT "${lean}")
# Debian packages the C++ headers for ARM only; without the library, as here, they serve every 32-bit machine.
set(headers /usr/include/newlib/c++/12.2.1)
set(CMAKE_CXX_FLAGS_INIT "${lean} -fno-threadsafe-statics -fno-use-cxa-atexit -nostdinc++ -isystem ${headers}\
 -isystem ${headers}/arm-none-eabi/thumb/v7-m/nofp")
