import type { Writable } from 'node:stream';
import type { PartsWriter } from '../archive/parts.ts';
import { GuestError } from './guest-error.ts';
import { outputOf } from './programs.ts';

/** Longest path that one call of the system takes, bytes (PATH_MAX without its end). Source: path_resolution(7). */
export const longestName = 4095;

/** Why something is not in an archive, behind its path. */
export const tooDeep = `paths of more than ${longestName} bytes are left out; take this folder out by itself`;

/** GNU tar: everything that a file has beside its content, holes as holes, names as bytes. */
const words = [
  '--create',
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  // fuse2fs tells of the content of a small file as an attribute.
  '--xattrs-exclude=system.data',
  '--acls',
  '--selinux',
  '--sparse',
  '--ignore-failed-read',
  // Each record is a turn between tar and this program, which costs more than its bytes.
  '--blocking-factor=128',
  // It would hold the path of each folder that it is in, several times: deep ones take all memory.
  '--no-recursion',
  '--null',
  '--verbatim-files-from',
  '--files-from=-',
];

interface ToDo {
  /** Open; names begin below it. */
  readonly folder: number;
  /** Adds all names, each of which fits one call of the system; a folder's comes without what is in it. */
  names(add: (name: Buffer) => Promise<void>): Promise<void>;
  /** How tar finds them: it asks, or looks for zeros. */
  readonly holes: 'seek' | 'raw';
}

/** Writes the archive. @returns what `tar` said of what it left out */
export async function gnuTar({ folder, names, holes }: ToDo, out: Pick<PartsWriter, 'bytes'>): Promise<string> {
  let end: { status: number | null; said: string } = { status: null, said: '' };
  const done = (status: number | null, said: string): void => void (end = { status, said });
  const feed = (input: Writable): Promise<void> => addTo(input, names);
  const args = [`--hole-detection=${holes}`, ...words];
  for await (const piece of outputOf('tar', args, { cwd: `/proc/self/fd/${folder}`, feed, done }))
    await out.bytes(piece);
  // 1: a file changed or could not be read; the archive is whole.
  if (end.status !== 0 && end.status !== 1 && end.status !== 2)
    throw new GuestError('internal', `tar ended with ${end.status}: ${end.said}`);
  return end.said;
}

const batchBytes = 32 * 1024;

/** Names end with a zero byte. */
async function addTo(input: Writable, names: ToDo['names']): Promise<void> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  const write = async (): Promise<void> => {
    const batch = Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
    await new Promise<void>((resolve, reject) => input.write(batch, (error) => (error ? reject(error) : resolve())));
  };
  await names(async (name) => {
    waiting.push(name, zero);
    bytes += name.length + 1;
    if (bytes >= batchBytes) await write();
  });
  await write();
}

const zero = Buffer.alloc(1);
