#!/bin/sh
# Makes the Debian system in which the packages are tested, once: a folder with what they depend on and systemd. It is only ever
# read: each test lays one of its own over it. Says where it is.
set -eu
folder=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")")/.toolchain/debian
release=bookworm
packages=adduser,ca-certificates,init-system-helpers,iproute2,libnbd-bin,nbdkit,openssh-client,qemu-utils,systemd
# Another list makes another root.
stamp="$release $packages"
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9
  if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    [ "$(id -u)" -eq 0 ] || {
      echo 'setup: only root can make the Debian system in which the packages are tested' >&2
      exit 1
    }
    echo 'setup: making a Debian system to test the packages in (.toolchain/debian, about 340 MB)' >&2
    rm -rf --one-file-system "$folder/root" "$folder/stamp"
    # What it mounts goes with it, however it ends: nobody shall remove the folder with the system's /proc in it.
    unshare --mount --propagation private debootstrap --variant=minbase --include="$packages" "$release" "$folder/root" >"$folder/log" 2>&1 || {
      tail -5 "$folder/log" >&2
      rm -rf "$folder/root"
      exit 1
    }
    rm -rf "$folder"/root/var/cache/apt/archives/*.deb
    printf '%s\n' "$stamp" >"$folder/stamp"
  fi
fi
echo "$folder/root"
