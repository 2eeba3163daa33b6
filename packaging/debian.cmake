# SPDX-License-Identifier: Apache-2.0
#
# The Debian packages, as CPack makes them of the components: `cpack` in the tree leaves one file each.

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  # dpkg-shlibdeps asks for a library's package where that library is from.
  get_filename_component(sysroot ${CMAKE_SYSROOT} REALPATH)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    ${sysroot}/usr/lib/aarch64-linux-gnu ${sysroot}/lib/aarch64-linux-gnu)
else()
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME grid)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${GRID_PACKAGER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL gridd gridd-postgres gridctl libgrid0 libgrid-dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

# package(NAME SECTION DEPENDS SAYS): libwebsockets loads its plugin by name, so no library tells of it.
function(package name section depends says)
  string(TOUPPER ${name} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS ${depends} PARENT_SCOPE)
  set(CPACK_COMPONENT_${key}_DESCRIPTION ${says} PARENT_SCOPE)
endfunction()

package(gridd net "libwebsockets-evlib-uv, systemd | systemd-standalone-sysusers"
"gateway of Grid, an edge sync runtime
Devices write to maps while they are offline, and converge through a gateway
when there is a link. This is the gateway: it keeps every acknowledged write
in a journal and in a database, and listens on loopback until it is told
otherwise in /etc/gridd.")
set(CPACK_DEBIAN_GRIDD_PACKAGE_RECOMMENDS gridctl)
set(CPACK_DEBIAN_GRIDD_PACKAGE_SUGGESTS gridd-postgres)
set(CPACK_DEBIAN_GRIDD_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/debian/conffiles ${CMAKE_CURRENT_LIST_DIR}/debian/postinst
  ${CMAKE_CURRENT_LIST_DIR}/debian/prerm ${CMAKE_CURRENT_LIST_DIR}/debian/postrm)

package(gridd-postgres net "gridd (= ${PROJECT_VERSION})"
"gateway of Grid: Postgres as its database
Lets the gateway keep the rows of an app in a schema of a Postgres server,
where SQL finds them as JSON. It is loaded when the configuration names such a
database.")

package(gridctl net "libwebsockets-evlib-uv"
"asks and tells a grid of devices and their gateway
Rows of JSON under keys, in maps, kept here and synced with a gateway of Grid;
also a look into a gateway, into a device, and into the flash of a chip.")

package(libgrid0 libs "libwebsockets-evlib-uv"
"library of Grid, an edge sync runtime
Maps that are written offline, survive power cuts, and converge with a gateway
when there is a link. This is what programs load.")
# As policy wants it; CPack's own scripts run ldconfig as well.
set(CPACK_DEBIAN_LIBGRID0_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/debian/triggers)

package(libgrid-dev libdevel "libgrid0 (= ${PROJECT_VERSION}), libnanopb-dev"
"library of Grid, an edge sync runtime: for building programs
Maps that are written offline, survive power cuts, and converge with a gateway
when there is a link. The headers for C++20 and C99, with grid for pkg-config
and for find_package() of CMake.")
set(CPACK_DEBIAN_LIBGRID-DEV_PACKAGE_SHLIBDEPS OFF)

include(CPack)
