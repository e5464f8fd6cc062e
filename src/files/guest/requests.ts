import { closeSync, constants, openSync, read as readFd, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  doubledWhy,
  inlineBytes,
  leastPlaced,
  type Answer,
  type Ask,
  type Entry,
  type PathBytes,
  type RequestName,
} from '../protocol.ts';
import { writeArchive } from './archive.ts';
import type { Named } from './ext/quick-tar.ts';
import { attributesOf } from './attributes.ts';
import { extentsOf } from './extents.ts';
import { detailsOf } from './details.ts';
import { pathBelow, type Begin } from './go-through.ts';
import { GuestError } from './guest-error.ts';
import { entryAt, isDoubled, type Listing } from './listing.ts';
import type { Outlet } from './outlet.ts';
import { entryOf, find, partsOf, pathOf, type Place } from './tree.ts';
import { Unreadable } from './unreadable.ts';
import type { Volumes } from './volumes.ts';
import { walkBelow } from './walk.ts';

export interface Session {
  readonly volumes: Volumes;
  readonly listing: Listing;
  readonly out: Outlet;
}

type Handlers = { readonly [N in RequestName]: (ask: Ask<N>, session: Session) => Promise<Answer<N>> };

const bytesOf = (path: string): Buffer => Buffer.from(path, 'base64');

/** What each request does. A handler writes bytes to `out` and returns the answer. */
export const handlers: Handlers = {
  plug: ({ disks }, { volumes }) => volumes.plug(disks),
  volumes: async (_ask, { volumes }) => volumes.all,
  open: ({ volume }, { volumes }) => volumes.open(volume),
  unlock: ({ volume, passphrase }, { volumes }) => volumes.unlock(volume, passphrase),

  ranges: async ({ volume }, { volumes }) => ({ ranges: await volumes.rangesOf(volume) }),

  async stat({ volume, path, follow, bare = false, content = false }, { volumes }) {
    const root = await volumes.rootOf(volume);
    using place = find(root, bytesOf(path), follow);
    const name = partsOf(place.path).at(-1) ?? Buffer.alloc(0);
    const { complete, attributes } = detailsOf(volumes.openedOf(volume)?.details ?? null);
    const entry = complete(entryOf(name, place.stats, place));
    return {
      ...entry,
      path: place.path.toString('base64'),
      xattrs: bare ? [] : attributes(entry.inode, await attributesOf(place)),
      ...(content ? contentOf(place) : {}),
      doubled: bare ? null : isDoubled(root, place.path),
    };
  },

  async list({ volume, path, after, limit }, { volumes, listing, out }) {
    using place = find(await volumes.rootOf(volume), bytesOf(path), true);
    const page = listing.page(folderOf(place), after === null ? null : bytesOf(after), limit);
    const { complete } = detailsOf(volumes.openedOf(volume)?.details ?? null);
    const unreadable = new Unreadable();
    const pathTo = (name: Buffer): Buffer => pathBelow(place.path, name);
    for (const name of page.doubled) unreadable.add(() => pathTo(name), doubledWhy);
    for (const { name } of page.names) {
      const entry = entryAt(place.folder, name, (why) => unreadable.add(() => pathTo(name), why));
      await out.write(line(complete(entry)));
    }
    const { total, more } = page;
    return { path: place.path.toString('base64'), total, more, unreadable: unreadable.lines };
  },

  async walk({ volume, path, filter }, { volumes, out }) {
    using place = find(await volumes.rootOf(volume), bytesOf(path), true);
    const { complete } = detailsOf(volumes.openedOf(volume)?.details ?? null);
    let shown = performance.now();
    return await walkBelow({ file: folderOf(place), path: place.path }, filter, {
      tell: (entry) => out.write(line(complete(entry))),
      async pause() {
        await out.breathe();
        if (performance.now() - shown < showMs) return;
        await out.flush();
        shown = performance.now();
      },
    });
  },

  async read({ volume, path, offset, length }, { volumes, out }) {
    using place = find(await volumes.rootOf(volume), bytesOf(path), true);
    if (!place.stats.isFile()) throw new GuestError('type', 'only regular files have content');
    const size = Number(place.stats.size);
    const end = length === null ? size : Math.min(size, offset + length);
    const file = openSync(pathOf(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return { bytes: await copyOut(file, offset, end, out) };
    } finally {
      closeSync(file);
    }
  },

  async extents({ volume, path, offset, length }, { volumes, out }) {
    using place = find(await volumes.rootOf(volume), bytesOf(path), true);
    if (!place.stats.isFile()) throw new GuestError('type', 'only regular files have content');
    const size = Number(place.stats.size);
    const end = length === null ? size : Math.min(size, offset + length);
    const layout = end - offset < leastPlaced ? null : await volumes.layoutOf(volume);
    if (layout === null) return { known: false, size };
    const file = openSync(pathOf(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const extents = await extentsOf(file, offset, end, layout.pieces);
      for (const extent of extents ?? []) await out.write(Buffer.from(`${JSON.stringify(extent)}\n`));
      return { known: extents !== null, size };
    } finally {
      closeSync(file);
    }
  },

  async tar({ volume, paths, folders = [], from = '' }, { volumes, out }) {
    const root = await volumes.rootOf(volume);
    using around = find(root, bytesOf(from), false);
    const folder = folderOf(around);
    const named = (path: PathBytes): Named => {
      using place = find(root, bytesOf(path), false);
      return { name: nameBelow(around.path, place.path), number: Number(place.stats.ino) };
    };
    const begin = paths.map(named);
    const alone = folders.map((path) => named(path).name);
    const open = (name: Buffer): (Begin & Disposable) | null => {
      const place = find(root, Buffer.concat([around.path, Buffer.from('/'), name]), false);
      if (place.stats.isDirectory()) return { ...place, file: place.folder };
      place[Symbol.dispose]();
      return null;
    };
    const members = { folder, begin, alone, open };
    const archive = volumes.openedOf(volume)?.archive ?? null;
    return await writeArchive(members, { archive, layout: () => volumes.layoutOf(volume) }, out);
  },
};

/** All of a small file, so that nobody has to ask a second time. What cannot be read is told to who does. */
function contentOf(place: Place): { readonly content?: string } {
  const size = Number(place.stats.size);
  if (!place.stats.isFile() || size > inlineBytes) return {};
  try {
    const file = openSync(pathOf(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(size);
      return readSync(file, bytes, 0, size, 0) === size ? { content: bytes.toString('base64') } : {};
    } finally {
      closeSync(file);
    }
  } catch {
    return {};
  }
}

/** What was found is seen after so long, ms. */
const showMs = 200;

const line = (value: Entry): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

function folderOf(place: Place): number {
  if (!place.stats.isDirectory()) throw new GuestError('type', `/${place.path.toString()} is no folder`);
  return place.folder;
}

/** As an archive has it: `./etc/passwd`; `.` is the folder itself. */
function nameBelow(folder: Buffer, path: Buffer): Buffer {
  if (path.equals(folder)) return Buffer.from('.');
  const from = folder.length === 0 ? 0 : folder.length + 1;
  if (from > 0 && !path.subarray(0, from).equals(Buffer.concat([folder, Buffer.from('/')])))
    throw new GuestError('path', `/${path.toString()} is not in /${folder.toString()}`);
  return Buffer.concat([Buffer.from('./'), path.subarray(from)]);
}

const readAhead = promisify(readFd);
const small = 256 * 1024;

async function copyOut(file: number, from: number, end: number, out: Outlet): Promise<number> {
  let at = from;
  while (at < end) {
    const place = await out.place();
    const length = Math.min(place.length, end - at);
    const bytes =
      length <= small ? readSync(file, place, 0, length, at) : (await readAhead(file, place, 0, length, at)).bytesRead;
    if (bytes === 0) break;
    out.filled(bytes);
    at += bytes;
    await breathe();
  }
  return at - from;
}
