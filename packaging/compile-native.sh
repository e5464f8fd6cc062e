#!/bin/sh
# compile-native.sh FOLDER: compiles what is no TypeScript into FOLDER, a bundle. Without a compiler for C it does nothing: only machines whose
# processor has AMX need it (src/files/reader/kinds/user-mode-linux.ts says so there).
set -eu
[ "$(uname -m)" = x86_64 ] && command -v cc >/dev/null 2>&1 || exit 0
name=uml-registers
source=$(dirname -- "$0")/../src/files/reader/kinds/$name.c
# Under a name of its own first: somebody may have the old one loaded.
cc -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -s -Wl,--build-id=none -o "$1/$name.so.new.$$" "$source"
chmod 644 "$1/$name.so.new.$$"
mv "$1/$name.so.new.$$" "$1/$name.so"
