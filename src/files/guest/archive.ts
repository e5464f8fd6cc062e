import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { PartsWriter, type PartsOutput } from '../archive/parts.ts';
import { firstLines } from '../first-lines.ts';
import type { Answer } from '../protocol.ts';
import { readAnyway, tellsHoles } from './extents.ts';
import { quickTar, type Named } from './ext/quick-tar.ts';
import { goThrough, type Begin } from './go-through.ts';
import { gnuTar, longestName, tooDeep } from './gnu-tar.ts';
import type { Outlet } from './outlet.ts';
import type { ArchiveMeans, Layout } from './platform.ts';
import { pathAlong } from './trail.ts';
import { statOf, typeOf } from './tree.ts';

/** What an archive holds, all of it below one folder. */
export interface Members {
  /** Open. */
  readonly folder: number;
  readonly begin: readonly Named[];
  /** Folders, without what is in them. */
  readonly alone: readonly Buffer[];
  /** Opens what has that name in the archive; null: it is no folder. */
  open(name: Buffer): (Begin & Disposable) | null;
}

/** How the volume can be read. */
export interface Means {
  readonly archive: ArchiveMeans | null;
  /** Asked for once it is needed. */
  layout(): Promise<Layout | null>;
}

/**
 * An archive of these paths, in parts. Where the file system is one that can be read in large pieces, what is plain is written from there, and GNU
 * tar does the rest, behind it.
 */
export async function writeArchive(members: Members, means: Means, out: Outlet): Promise<Answer<'tar'>> {
  const { folder, begin, alone } = members;
  const device = means.archive?.device ?? null;
  const parts = new PartsWriter(early(out));
  const pieces = device === null ? null : ((await means.layout())?.pieces ?? null);
  const quick = device === null ? null : await quickTar(device, begin, { parts, pieces });
  const { single, whole, said: lost } = quick ?? { single: [], whole: begin.map(({ name }) => name), said: [] };
  const left = [...lost];
  const knowsHoles = means.archive?.knowsHoles !== false;
  const names = async (take: (name: Buffer) => Promise<void>): Promise<void> => {
    const add = async (name: Buffer): Promise<void> => {
      if (!knowsHoles || !(await isEndless(folder, name))) await take(name);
      else left.push(`/${name.toString().replace(/^\.\//, '')}: ${endless}`);
    };
    for (const name of [...alone, ...single]) await add(name);
    for (const name of whole) left.push(...(await addBelow(members, name, { add, pause: () => out.breathe() })));
  };
  const tar = await gnuTar({ folder, names, holes: knowsHoles ? 'seek' : 'raw' }, parts);
  await parts.end();
  const said = firstLines(mostSaid);
  for (const line of left) said.add(`tar: ${line}\n`);
  said.add(`${tar}\n`);
  return { said: said.all().join('\n') };
}

/** Entries are little to write, and much to read elsewhere: that begins while the next ones are looked for. */
function early(out: Outlet): PartsOutput {
  let lines = 0;
  return {
    write: (bytes) => out.write(bytes),
    told: async () => {
      if (++lines % linesAtOnce === 0) await out.flush();
    },
  };
}

const linesAtOnce = 4;

/** Of what is left out, bytes. */
const mostSaid = 16_000;

const endless = 'its file system is damaged and cannot say where its holes are';

/** Whether tar would read a file for hours that is little but holes, to find them. @param folder open; the name is below it */
async function isEndless(folder: number, name: Buffer): Promise<boolean> {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
  let file: number;
  let size: number;
  try {
    const found = lstatSync(path);
    ({ size } = found);
    if (!found.isFile() || size - found.blocks * 512 < readAnyway) return false;
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // tar says why it cannot read it. From its own folder it also reaches a path that is too long for this one.
    return false;
  }
  try {
    return !(await tellsHoles(file, size));
  } finally {
    closeSync(file);
  }
}

interface Names {
  add(name: Buffer): Promise<void>;
  pause(): Promise<void>;
}

/** @returns what is left out, a line each */
async function addBelow(members: Members, name: Buffer, { add, pause }: Names): Promise<readonly string[]> {
  using begin = members.open(name);
  await add(name);
  if (!begin) return [];
  const slash = Buffer.from('/');
  const { unreadable } = await goThrough(begin, {
    pause,
    longest: longestName - name.length - 1,
    tooLong: tooDeep,
    async visit(visited) {
      await add(Buffer.concat([name, slash, pathAlong(visited.trail)]));
      return visited.type ?? typeOf(statOf(visited));
    },
  });
  return unreadable;
}
