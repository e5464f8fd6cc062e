import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../protocol.ts';
import { quickTar, type Left, type Named } from './ext/quick-tar.ts';
import { GuestError } from './guest-error.ts';
import type { Outlet } from './outlet.ts';
import { outputOf } from './programs.ts';

/** GNU tar: everything that a file has beside its content, holes as holes, names as bytes. */
const tarArgs = [
  '--create',
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  '--acls',
  '--selinux',
  '--sparse',
  '--hole-detection=seek',
  '--ignore-failed-read',
  // Each record is a turn between tar and this program, which costs more than its bytes.
  '--blocking-factor=128',
  '--null',
  '--verbatim-files-from',
];

/**
 * An archive of these paths. Where the file system is one that can be read in large pieces, what is plain is written from there, and GNU
 * tar does the rest, behind it.
 * @param device of the file system, where that is so
 */
export async function writeArchive(
  root: string,
  begin: readonly Named[],
  device: string | null,
  out: Outlet,
): Promise<Answer<'tar'>> {
  const quick = device === null ? null : await quickTar(device, begin, out);
  return await gnuTar(root, quick ?? { single: [], whole: begin.map(({ name }) => name) }, out);
}

async function gnuTar(root: string, left: Left, out: Outlet): Promise<Answer<'tar'>> {
  const folder = mkdtempSync('/tmp/tar-');
  const listed = (name: string, paths: readonly Buffer[]): string => {
    const file = join(folder, name);
    writeFileSync(file, Buffer.concat(paths.flatMap((path) => [path, Buffer.alloc(1)])));
    return `--files-from=${file}`;
  };
  try {
    const args = [
      ...tarArgs,
      '--no-recursion',
      listed('single', left.single),
      '--recursion',
      listed('whole', left.whole),
    ];
    let end: { status: number | null; said: string } = { status: null, said: '' };
    const done = (status: number | null, said: string): void => void (end = { status, said });
    for await (const piece of outputOf('tar', args, { cwd: root, done })) await out.write(piece);
    // 1: a file changed or could not be read; the archive is whole.
    if (end.status !== 0 && end.status !== 1 && end.status !== 2)
      throw new GuestError('internal', `tar ended with ${end.status}: ${end.said}`);
    return { said: end.said };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
