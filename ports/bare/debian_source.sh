#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: debian_source.sh PACKAGE FOLDER
# Unpacks the source of a Debian package into FOLDER, unless it is there. Binary packages hold nothing that could be
# compiled for a chip. As any user, and without touching the machine's own package lists.
set -euo pipefail
package=$1
folder=$2
[[ ! -f $folder/.complete ]] || exit 0

rm -rf "$folder" "$folder.apt"
mkdir -p "$folder.apt"/{lists/partial,cache/archives/partial,parts,state}
apt=$(realpath "$folder.apt")

# The machine's own archives of Debian, asked for sources.
sed -n '/^deb .*debian/s/^deb /deb-src /p' /etc/apt/sources.list 2> /dev/null > "$apt/sources.list" || true
for list in /etc/apt/sources.list.d/*.sources; do
  grep -q 'debian-archive' "$list" 2> /dev/null || continue
  sed 's/^Types:.*/Types: deb-src/' "$list" > "$apt/parts/${list##*/}"
done
cat > "$apt/conf" << END
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/parts";
Dir::State "$apt/state";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Cache::Archives "$apt/cache/archives";
APT::Sandbox::User "";
END
export APT_CONFIG=$apt/conf
if ! { apt-get update -qq && (cd "$apt" && apt-get source -qq "$package"); } > "$apt/log" 2>&1; then
  cat "$apt/log" >&2
  echo "debian_source.sh: no source of $package" >&2
  exit 1
fi
mv "$apt"/"$package"-*/ "$folder"
touch "$folder/.complete"
rm -rf "$apt"
