# Read by scripts that bring something of another Debian than the system's: apt with a configuration of its own, so that Debian's
# signature is checked and nothing in the system changes. Sets `work`, a folder that is gone when the script ends.
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'setup: %s\n' "$*" >&2; }

# A line of sources.list behind its options: what kind, which suite, which parts.
private_apt_from() {
  kind=$1
  shift
  command -v apt-get >/dev/null 2>&1 || cannot 'this is not Debian or Ubuntu.'
  [ -r "$keyring" ] || cannot "$keyring is missing: install debian-archive-keyring."
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  printf '%s [signed-by=%s] %s %s\n' "$kind" "$keyring" "$mirror" "$*" >"$work/sources.list"
  : >"$work/status"
  private_apt update >&2 || cannot "$mirror does not answer, or its signature is wrong; the lines above say which."
}

private_apt() {
  apt-get -q -q \
    -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- \
    -o "Dir::State=$work" -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" \
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}
