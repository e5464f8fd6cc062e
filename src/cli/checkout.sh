# Read by setup.sh and the programs at the top of a checkout, which set $root to its folder.
# shellcheck shell=sh disable=SC2154

# Whether dist/ holds what the source and the packages are now.
bundle_is_current() {
  [ -e "$root/dist/.built" ] &&
    [ -z "$(find "$root/src" "$root/schemas" "$root/rolldown.config.ts" "$root/package-lock.json" -newer "$root/dist/.built" -print -quit)" ]
}

# Whether two folders, which are made where they are missing, belong to this user, and nobody else can write to them.
# One program is started for both: every command waits for it.
are_private() {
  for folder in "$1" "$2"; do
    { [ -d "$folder" ] || mkdir -m 700 -- "$folder" 2>/dev/null; } && [ -O "$folder" ] && [ ! -L "$folder" ] || return 1
  done
  [ -z "$(find "$1" "$2" -prune -perm /022 -print)" ]
}

# start_program NAME ARGUMENT...: the bundle, which starts in half the time, or in development the source as it stands.
start_program() {
  name=$1
  shift
  if [ ! -x "$root/.toolchain/bin/node" ] || [ ! -e "$root/node_modules/.sendense-setup" ]; then
    echo "$name: this checkout is not set up yet; run $root/setup.sh" >&2
    exit 70
  fi
  # Set here and not by the program itself: Node then need not load its type stripper. Private, because what lies there is run.
  if [ -z "${NODE_COMPILE_CACHE:-}" ]; then
    caches=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    if [ -n "$caches" ] && are_private "$caches" "$caches/sendense"; then
      export NODE_COMPILE_CACHE="$caches/sendense"
    fi
  fi
  if bundle_is_current; then
    exec "$root/.toolchain/bin/node" "$root/dist/cli/$name.js" "$@"
  fi
  exec "$root/.toolchain/bin/node" "$root/src/cli/$name.ts" "$@"
}
