#!/bin/sh
# Bundles the programs and the page into dist/. One build of a checkout at a time: one that had to wait for another does nothing where that
# has bundled what the source is now.
set -eu
root=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
cd "$root"
. src/cli/checkout.sh
# The folder of the checkout itself: a file of ours would be in dist/, which goes, or in the way of git.
exec 9<"$root"
if ! flock -n 9; then
  flock 9
  ! bundle_is_current || exit 0
fi
node test/tools/generate-validators.ts >/dev/null 9<&-
mkdir -p dist
touch dist/.started
rolldown -c --logLevel silent >/dev/null 9<&-
packaging/compile-native.sh dist 9<&-
mv dist/.started dist/.built
find dist -name '*.js' -mtime +0 -delete
