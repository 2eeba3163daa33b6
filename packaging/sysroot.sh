#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: sysroot.sh ARCHITECTURE FOLDER
# Lays what Grid is built with and runs on for another architecture into FOLDER, unless it is there: Debian's packages
# with all that they depend on, unpacked, and a list of them for dpkg-shlibdeps. As any user, and without touching the
# machine's own packages and lists: foreign -dev packages would push those of the machine aside.
set -euo pipefail
architecture=$1
folder=$2
packages=(
  libc6-dev libstdc++-12-dev
  libuv1-dev libwebsockets-dev libwebsockets-evlib-uv liblmdb-dev libsqlite3-dev libpq-dev
  libmbedtls-dev libjwt-dev prometheus-cpp-dev
  libnanopb-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev
)
[[ "$(cat "$folder/.complete" 2> /dev/null)" != "${packages[*]}" ]] || exit 0

rm -rf "$folder" "$folder.apt"
mkdir -p "$folder.apt"/{lists/partial,cache/archives/partial,parts,state}
apt=$(realpath "$folder.apt")

# The machine's own archives of Debian, and no others.
grep '^deb .*debian' /etc/apt/sources.list 2> /dev/null > "$apt/sources.list" || true
for list in /etc/apt/sources.list.d/*.sources; do
  ! grep -q 'debian-archive' "$list" 2> /dev/null || cp "$list" "$apt/parts/"
done
touch "$apt/status"
cat > "$apt/conf" << END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/parts";
Dir::State "$apt/state";
Dir::State::Lists "$apt/lists";
Dir::State::Status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Cache::Archives "$apt/cache/archives";
Debug::NoLocking "true";
END
export APT_CONFIG=$apt/conf
if ! { apt-get update -qq && apt-get install -qq -y --download-only "${packages[@]}"; } > "$apt/log" 2>&1; then
  cat "$apt/log" >&2
  echo "sysroot.sh: no packages for $architecture" >&2
  exit 1
fi

# dpkg-shlibdeps asks who brought a library, by where it lies, and what its package says of versions.
database=$folder/var/lib/dpkg
mkdir -p "$database/info"
root=$(realpath "$folder")
echo 1 > "$database/info/format"  # In which a file's name has its package's architecture.
for archive in "$apt"/cache/archives/*.deb; do
  dpkg-deb -x "$archive" "$folder"
  package=$(dpkg-deb -f "$archive" Package)
  [[ "$(dpkg-deb -f "$archive" Multi-Arch)" != same ]] || package+=:$architecture
  { dpkg-deb -f "$archive" | sed '/^Package:/a Status: install ok installed'; echo; } >> "$database/status"
  dpkg-deb --fsys-tarfile "$archive" | tar -t | sed "s|/\$||; s|^\./|$root/|; s|^\.\$|/.|" \
    > "$database/info/$package.list"
  for control in shlibs symbols; do
    dpkg-deb -I "$archive" "$control" > "$database/info/$package.$control" 2> /dev/null ||
      rm -f "$database/info/$package.$control"
  done
done
rm -rf "$apt"
# Links that mean the root of a machine would leave the folder.
while IFS= read -r -d '' link; do
  target=$(readlink "$link")
  ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$folder$target")" "$link"
done < <(find "$folder" -lname '/*' -print0)
echo "${packages[*]}" > "$folder/.complete"
