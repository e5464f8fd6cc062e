#!/bin/sh
# Brings govc, the command line of govmomi, as the file given. Changes nothing in the system.
#
# Debian has no package of it. The source package of govmomi holds it, and is what the test vCenter is made of too.
set -eu
govc=${1:?usage: setup-govc.sh OUTPUT-FILE}
. "$(dirname -- "$0")/private-apt.sh"

cannot() {
  say "govc cannot be had: $*"
  say '  the tests in which it judges will fail. To have it: put a govc of version 0.24 or later there.'
  exit 1
}

[ ! -x "$govc" ] || exit 0
say 'building govc from the source of govmomi in Debian 12, for the tests'
private_apt_from deb-src bookworm main
(cd "$work" && private_apt source --download-only golang-github-vmware-govmomi >&2) ||
  cannot 'the source did not come; the lines above say why.'
source=$work/go/src/github.com/vmware/govmomi
mkdir -p "$source" "$(dirname -- "$govc")"
tar -xf "$work"/golang-github-vmware-govmomi_*.orig.tar.* -C "$source" --strip-components=1
folder=$(CDPATH='' cd -- "$(dirname -- "$govc")" && pwd)
(
  cd "$source/govc"
  GO111MODULE=off GOPATH="$work/go:/usr/share/gocode" GOFLAGS='' GOTOOLCHAIN=local GOCACHE="${GOCACHE:-$folder/go-cache}" \
    go build -trimpath -ldflags '-s -w' -o "$folder/govc.new.$$" . >&2
) || cannot 'it does not build; the lines above say why.'
mv "$folder/govc.new.$$" "$govc"
