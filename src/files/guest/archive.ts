import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../protocol.ts';
import { quickTar, type Left, type Named } from './ext/quick-tar.ts';
import { GuestError } from './guest-error.ts';
import type { Outlet } from './outlet.ts';
import type { ArchiveMeans } from './platform.ts';
import { outputOf } from './programs.ts';

/** GNU tar: everything that a file has beside its content, holes as holes, names as bytes. */
const tarArgs = [
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
  '--null',
  '--verbatim-files-from',
];

/** What an archive holds. */
interface Members {
  readonly begin: readonly Named[];
  /** Folders, without what is in them. */
  readonly alone: readonly Buffer[];
}

/**
 * An archive of these paths. Where the file system is one that can be read in large pieces, what is plain is written from there, and GNU
 * tar does the rest, behind it.
 */
export async function writeArchive(
  root: string,
  { begin, alone }: Members,
  means: ArchiveMeans | null,
  out: Outlet,
): Promise<Answer<'tar'>> {
  const device = means?.device ?? null;
  const quick = device === null ? null : await quickTar(device, begin, out);
  const { single, whole } = quick ?? { single: [], whole: begin.map(({ name }) => name) };
  const holes = means?.knowsHoles === false ? 'raw' : 'seek';
  return await gnuTar(root, { single: [...alone, ...single], whole, holes }, out);
}

interface ToDo extends Left {
  /** How tar finds them: it asks, or looks for zeros. */
  readonly holes: 'seek' | 'raw';
}

async function gnuTar(root: string, left: ToDo, out: Outlet): Promise<Answer<'tar'>> {
  const folder = mkdtempSync('/tmp/tar-');
  const listed = (name: string, paths: readonly Buffer[]): string => {
    const file = join(folder, name);
    writeFileSync(file, Buffer.concat(paths.flatMap((path) => [path, Buffer.alloc(1)])));
    return `--files-from=${file}`;
  };
  try {
    const args = [
      ...tarArgs,
      `--hole-detection=${left.holes}`,
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
