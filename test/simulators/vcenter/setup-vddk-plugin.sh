#!/bin/sh
# Brings nbdkit's vddk plugin, as the file given, where nbdkit has none of its own. Changes nothing in the system.
#
# Debian has the plugin since version 13, in contrib. That package works with the nbdkit of Debian 12 too, and needs nothing of
# VMware's to load. It comes through apt with a configuration of its own, so that Debian's signature is checked.
set -eu
plugin=${1:?usage: setup-vddk-plugin.sh OUTPUT-FILE}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'setup: %s\n' "$*" >&2; }
cannot() {
  say "nbdkit's vddk plugin cannot be had: $*"
  say '  the tests of the vddk transport will fail. To have it: a system with the package nbdkit-plugin-vddk (Debian 13, contrib).'
  exit 1
}

[ ! -e "$plugin" ] || exit 0
! nbdkit vddk --dump-plugin >/dev/null 2>&1 || exit 0

command -v apt-get >/dev/null 2>&1 || cannot 'this is not Debian or Ubuntu.'
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "Debian has it for amd64 only, this is $(dpkg --print-architecture)."
[ -r "$keyring" ] || cannot "$keyring is missing: install debian-archive-keyring."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root" "$(dirname -- "$plugin")"
printf 'deb [signed-by=%s] %s trixie contrib\n' "$keyring" "$mirror" >"$work/sources.list"
: >"$work/status"
private_apt() {
  apt-get -q -q \
    -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- \
    -o "Dir::State=$work" -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" \
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}

say "bringing nbdkit's vddk plugin from Debian 13 (contrib) for the tests"
private_apt update >&2 || cannot "$mirror does not answer, or its signature is wrong; the lines above say which."
(cd "$work" && private_apt download nbdkit-plugin-vddk >&2) || cannot 'the package did not come; the lines above say why.'
dpkg-deb -x "$work"/nbdkit-plugin-vddk_*.deb "$work/root"
found=$(find "$work/root" -name nbdkit-vddk-plugin.so)
[ -n "$found" ] || cannot 'the package does not hold it.'
nbdkit "$found" --dump-plugin >/dev/null || cannot "this system's nbdkit does not load it; the lines above say why."
mv "$found" "$plugin.new.$$"
mv "$plugin.new.$$" "$plugin"
