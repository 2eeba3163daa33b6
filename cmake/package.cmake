# SPDX-License-Identifier: Apache-2.0
#
# What is compiled otherwise because it leaves this machine: hardened as Debian's own packages are, position
# independent for libgrid.so, and the same bytes wherever the clone lies.

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Position independent code is slower where a function may be replaced from outside; none of ours may.
add_compile_options(
  -fno-semantic-interposition -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security
  -ffile-prefix-map=${PROJECT_BINARY_DIR}/=build/ -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  add_compile_options(-mbranch-protection=standard)
else()
  add_compile_options(-fcf-protection)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed,--gc-sections)
add_compile_options(-ffunction-sections -fdata-sections)
