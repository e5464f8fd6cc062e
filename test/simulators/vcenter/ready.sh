#!/bin/sh
# Says the folder that holds the built test vCenter; builds it first where that is not done (15 s the first time, then 5 s per
# change). Several may ask at once: one builds, the others wait.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
builds=$here/../../../.toolchain/simulators
mkdir -p "$builds"
builds=$(CDPATH='' cd -- "$builds" && pwd)
cd "$here"
folder=$builds/$({ ls simulator && cat build.sh main.go fake-vddk.c simulator/*.go; } | sha256sum | cut -c1-16)
if [ ! -x "$folder/vcenter" ]; then
  exec 9>"$builds/lock"
  flock 9
  if [ ! -x "$folder/vcenter" ]; then
    # Of other sources, and long unused.
    find "$builds" -mindepth 1 -maxdepth 1 -type d ! -name go-cache -mtime +7 -exec rm -rf {} +
    sh ./build.sh "$folder" >&2
  fi
  exec 9>&-
fi
echo "$folder"
