# SPDX-License-Identifier: Apache-2.0
#
# find_package(grid) gives grid::grid: <grid/grid.h>, <grid/linux.h> and <grid/c.h>, and libgrid.so.

include(${CMAKE_CURRENT_LIST_DIR}/grid-targets.cmake)
