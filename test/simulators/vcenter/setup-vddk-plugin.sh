#!/bin/sh
# Brings nbdkit's vddk plugin, as the file given, where nbdkit has none of its own. Changes nothing in the system.
#
# Debian has the plugin since version 13, in contrib. That package works with the nbdkit of Debian 12 too, and needs nothing of
# VMware's to load.
set -eu
plugin=${1:?usage: setup-vddk-plugin.sh OUTPUT-FILE}
. "$(dirname -- "$0")/private-apt.sh"

cannot() {
  say "nbdkit's vddk plugin cannot be had: $*"
  say '  the tests of the vddk transport will fail. To have it: a system with the package nbdkit-plugin-vddk (Debian 13, contrib).'
  exit 1
}

[ ! -e "$plugin" ] || exit 0
! nbdkit vddk --dump-plugin >/dev/null 2>&1 || exit 0

architecture=$(dpkg --print-architecture 2>/dev/null || echo 'another system')
[ "$architecture" = amd64 ] || cannot "Debian has it for amd64 only, this is $architecture."
say "bringing nbdkit's vddk plugin from Debian 13 (contrib) for the tests"
private_apt_from deb trixie contrib
(cd "$work" && private_apt download nbdkit-plugin-vddk >&2) || cannot 'the package did not come; the lines above say why.'
dpkg-deb -x "$work"/nbdkit-plugin-vddk_*.deb "$work/root"
found=$(find "$work/root" -name nbdkit-vddk-plugin.so)
[ -n "$found" ] || cannot 'the package does not hold it.'
nbdkit "$found" --dump-plugin >/dev/null || cannot "this system's nbdkit does not load it; the lines above say why."
mkdir -p "$(dirname -- "$plugin")"
mv "$found" "$plugin.new.$$"
mv "$plugin.new.$$" "$plugin"
