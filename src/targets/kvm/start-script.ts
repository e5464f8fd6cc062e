import { basename } from 'node:path';
import { deviceArgs } from '../../host/images/guest-disks.ts';
import type { Card } from './cards.ts';
import { beside } from './kvm-claim.ts';
import type { PlannedVm } from './plan-vm.ts';

/** A word for a shell. */
const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * A script that starts a VM with plain QEMU, from the folder in which its disks are.
 * @param files names of the disks, by their numbers
 */
export function startScript(vm: PlannedVm, files: ReadonlyMap<number, string>): string {
  const { machine, uuid, uefi, cards } = vm;
  const { cpus } = machine;
  const sockets = cpus.count / cpus.coresPerSocket;
  const options: (readonly string[])[] = [
    ['-name', machine.name],
    ['-uuid', uuid],
    ['-nodefaults', '-no-user-config'],
    ['-machine', 'pc'],
    ['-smp', `${cpus.count},sockets=${sockets},cores=${cpus.coresPerSocket},threads=1`],
    ['-m', `${machine.memoryBytes / 2 ** 20}M`],
    ['-rtc', `base=${machine.clock}`],
    ...(uefi
      ? [
          ['-drive', `if=pflash,format=raw,readonly=on,file=${uefi.code}`],
          ['-drive', `if=pflash,format=raw,file=${beside.variables}`],
        ]
      : []),
    ...machine.disks.map(({ number }, index) => [
      '-drive',
      `file=${basename(files.get(number) ?? '')},format=qcow2,if=none,id=disk${index},discard=unmap`,
    ]),
    ...pairs(deviceArgs(machine.disks.map((disk) => ({ ...disk, bootIndex: disk.bootOrder - 1 })))),
    ...cards.flatMap(cardOptions),
    ['-vga', 'std'],
    ['-display', 'none'],
    ['-serial', 'mon:stdio'],
  ];
  return [
    '#!/bin/sh',
    `# Starts ${machine.name}, restored by Sendense from ${vm.point}.`,
    '# Its first serial port is this terminal (Ctrl-A X ends it). Add -vnc 127.0.0.1:1 to see its screen. ACCEL=tcg does without KVM; QEMU names another program.',
    ...machine.notes.map((note) => `# Note: ${note}.`),
    'set -eu',
    'CDPATH= cd -- "$(dirname -- "$0")"',
    'qemu=${QEMU:-qemu-system-x86_64}',
    '# Whether KVM works: there are machines that have the device, and guests hang. The firmware of an empty machine has to come to its end.',
    'kvm_works() {',
    '  [ -w /dev/kvm ] && timeout 8 "$qemu" -nodefaults -machine pc -accel kvm -cpu host -m 16M -nic none -display none \\',
    '    -no-reboot -boot reboot-timeout=1 -debugcon stdio -global isa-debugcon.iobase=0x402 </dev/null 2>/dev/null |',
    "    grep -q 'No bootable device'",
    '}',
    'accel=${ACCEL:-$(if kvm_works; then echo kvm; else echo tcg; fi)}',
    'cpu=$(if [ "$accel" = kvm ]; then echo host; else echo max; fi)',
    'exec "$qemu" -accel "$accel" -cpu "$cpu" \\',
    ...options.map((words) => `  ${words.map(quoted).join(' ')} \\`),
    '  "$@"',
    '',
  ].join('\n');
}

const pairs = (words: readonly string[]): string[][] =>
  words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : []));

/** A card that is not connected is alone on a hub. QEMU cannot begin with a link that is down. */
function cardOptions({ model, mac, to, connected }: Card, index: number): string[][] {
  const id = `net${index}`;
  const backend =
    connected && to?.kind === 'bridge'
      ? `bridge,id=${id},br=${to.name}`
      : connected && to?.kind === 'user'
        ? `user,id=${id}`
        : `hubport,id=${id},hubid=${index}`;
  return [
    ['-netdev', backend],
    ['-device', `${model},netdev=${id},mac=${mac}`],
  ];
}
