#!/bin/sh
# Builds the test vCenter and the stand-in for VMware's disk library into the folder given.
# Needs (Debian): golang-go golang-github-vmware-govmomi-dev gcc libc6-dev
set -eu
out=${1:?usage: build.sh OUTPUT-FOLDER}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
gopath=/usr/share/gocode
package=$gopath/src/github.com/vmware/govmomi/simulator

mkdir -p "$out/vddk/lib64"
out=$(CDPATH='' cd -- "$out" && pwd)
{
  printf '{"Replace": {'
  separator=
  for file in "$here"/simulator/*.go; do
    printf '%s\n"%s/sendense_%s": "%s"' "$separator" "$package" "$(basename "$file")" "$file"
    separator=,
  done
  printf '}}\n'
} >"$out/overlay.json"
(
  cd "$here"
  GO111MODULE=off GOPATH=$gopath GOFLAGS='' GOTOOLCHAIN=local GOCACHE="${GOCACHE:-$out/../go-cache}" \
    go build -trimpath -overlay "$out/overlay.json" -o "$out/vcenter.new" ./main.go
)
cc -shared -fPIC -O2 -Wall -o "$out/vddk/lib64/libvixDiskLib.so.8" "$here/fake-vddk.c"
mv "$out/vcenter.new" "$out/vcenter"
