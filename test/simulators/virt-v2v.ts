import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What becomes of the guest. */
export type V2vBehaviour =
  /** It starts with another boot sector. */
  | 'converts'
  /** The same, and it fails when all is done, as virt-v2v 2.2.0 may. */
  | 'lies'
  /** Nothing is changed. */
  | 'leaves'
  /** The guest does not boot any more. */
  | 'breaks'
  /** It fails in the middle. */
  | 'fails'
  /** It does not know the guest. */
  | 'unknown'
  /** The disk of the guest is encrypted. */
  | 'locked'
  /** It never ends. */
  | 'hangs';

/** By this the process that never ends is known. */
export const hangingWords = (folder: string): string =>
  `8${[...folder].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1e9, 7)}`;

const finish = "echo '[ 216.9] Finishing off'";

/** What virt-v2v 2.2.0 says of a disk in which it finds no system. */
const unknownWords = [
  'virt-v2v-in-place: error: inspection could not detect the source guest (or physical machine).',
  '',
  'Assuming that you are running virt-v2v/virt-p2v on a source which is supported (and not, for example, a blank disk), then this should not happen.',
  '',
  'No root device found in this operating system image.',
  '',
  'If reporting bugs, run virt-v2v-in-place with debugging enabled and include the complete output:',
  '',
  '  virt-v2v-in-place -v -x [...]',
];

/** Writes over the start of the first disk. */
const overwrite = (sector: Buffer): string =>
  [
    `printf '${[...sector].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}' >/tmp/sector`,
    `file=$(sed -n 's/.*<source file="\\([^"]*\\)".*/\\1/p' "$3" | head -1)`,
    `qemu-io -f qcow2 -c 'write -s /tmp/sector 0 512' "$file" || exit 9`,
  ].join('\n');

/**
 * Puts a program in the place of virt-v2v-in-place, which changes the disks that it is told of.
 * @returns for the environment of who shall find it
 */
export async function standInV2v(
  folder: string,
  behaviour: V2vBehaviour,
  sector: Buffer = Buffer.alloc(512),
): Promise<Record<string, string>> {
  const bin = join(folder, `v2v-${behaviour}`);
  await mkdir(bin, { recursive: true });
  const parts: Readonly<Record<V2vBehaviour, readonly string[]>> = {
    converts: [overwrite(sector), finish],
    lies: [overwrite(sector), finish, `echo 'Unix.Unix_error(Unix.ENOENT, "unlink", "/tmp/v2v/in0")' >&2`, 'exit 2'],
    leaves: [finish],
    breaks: [overwrite(Buffer.alloc(512)), finish],
    fails: [overwrite(Buffer.alloc(512)), "echo 'virt-v2v-in-place: error: no kernels were found' >&2", 'exit 1'],
    unknown: [...unknownWords.map((line) => `echo '${line}' >&2`), 'exit 1'],
    locked: ['echo \'Enter key or passphrase ("/dev/sda2"): \' >&2', 'exit 1'],
    hangs: [`sleep ${hangingWords(folder)} & echo 'this never ends'`, 'wait'],
  };
  const script = [
    '#!/bin/sh',
    '[ "$1" != --version ] || { echo "virt-v2v 2.2.0"; exit; }',
    "echo '[   0.0] Setting up the source: -i libvirtxml guest.xml'",
    ...parts[behaviour],
    '',
  ].join('\n');
  await writeFile(join(bin, 'virt-v2v-in-place'), script);
  await chmod(join(bin, 'virt-v2v-in-place'), 0o755);
  // The machine of a test need not have a kernel.
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}`, SUPERMIN_KERNEL: '/boot/vmlinuz' };
}
