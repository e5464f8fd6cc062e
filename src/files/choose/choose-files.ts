import { SendenseError } from '../../errors/sendense-error.ts';
import type { FilesEntry } from '../../schemas/types.ts';
import { searchIn } from '../client/found.ts';
import type { FilePlace } from '../client/files-client.ts';
import { comparePaths } from '../paths.ts';
import { shownName } from '../shown.ts';
import { findVolume, type OpenedPoint } from './find-volume.ts';
import { exclusion, hasWildcard, pathPattern, splitPath } from './path-pattern.ts';
import { parsePlace, pathOfText } from './place-text.ts';

export interface WantedFiles {
  /** As `VOLUME:/PATH`; a path may have wildcards. */
  readonly places: readonly string[];
  readonly exclude: readonly string[];
  readonly signal: AbortSignal;
}

/** What is taken of one volume. Paths are bytes, without a slash at the beginning. */
export interface ChosenFiles {
  readonly volume: string;
  /** Files, and folders with all that is in them. */
  readonly whole: readonly Buffer[];
  /** Folders without what is in them, each before those in it. */
  readonly alone: readonly Buffer[];
  /** Of what they hold, without holes. */
  readonly bytes: number;
}

export interface ChosenOfPoint {
  readonly volumes: readonly ChosenFiles[];
  /** What is not taken although it was asked for, and why. */
  readonly leftOut: readonly string[];
}

interface Root {
  readonly volume: string;
  readonly path: Buffer;
  readonly entry: FilesEntry;
}

/**
 * Finds what is asked for, and reads nothing of it.
 * @throws SendenseError `files.path` where there is no such file, or nothing fits any place; `files.volume`, `files.type`, `files.locked`
 */
export async function chooseFiles(point: OpenedPoint, wanted: WantedFiles): Promise<ChosenOfPoint> {
  const leftOut: string[] = [];
  const isExcluded = exclusion(wanted.exclude);
  const roots: Root[] = [];
  for (const text of wanted.places) roots.push(...(await rootsOf(point, text, wanted.signal, leftOut)));
  const volumes: ChosenFiles[] = [];
  for (const [volume, own] of Map.groupBy(roots, (root) => root.volume)) {
    const outermost = withoutInner(own).filter(({ path }) => !pathsTo(path).some(isExcluded));
    const chosen = await chooseIn(point, { volume, roots: outermost, isExcluded, leftOut }, wanted.signal);
    if (chosen.whole.length + chosen.alone.length > 0) volumes.push(chosen);
  }
  if (volumes.length > 0) return { volumes, leftOut };
  throw new SendenseError('files.path', `nothing is left to take of ${wanted.places.join(', ')}`, {
    remedy: 'Look at `files` and `exclude` of the plan; `sendense-run files find POINT` shows what is there.',
  });
}

async function rootsOf(point: OpenedPoint, text: string, signal: AbortSignal, leftOut: string[]): Promise<Root[]> {
  const place = parsePlace(text);
  if (!place) throw new SendenseError('usage', `${text} is no path in a volume`);
  const pattern = hasWildcard(place.path) ? pathPattern(place.path) : null;
  const base = pattern?.base ?? place.path;
  const volume = place.volume ?? (await findVolume(point, base));
  const at = { session: point.files.id, volume, path: pathOfText(base) };
  if (pattern === null) return [await rootAt(point, at)];
  const folder = await point.client.stat(at, true);
  const above = Buffer.from(folder.entry.id, 'base64url');
  const query = {
    ...(pattern.lastName === null ? {} : { name: pattern.lastName }),
    ...(Number.isFinite(pattern.depth) ? { depth: String(pattern.depth) } : {}),
  };
  const found: Root[] = [];
  const ended = ({ unreadable }: { readonly unreadable: readonly string[] }): void => void leftOut.push(...unreadable);
  const inFolder: FilePlace = { ...at, path: folder.entry.id };
  for await (const entry of searchIn(point.client, inFolder, query, { signal, ended })) {
    const path = Buffer.from(entry.id, 'base64url');
    if (!pattern.fits(below(path, above))) continue;
    if (isTaken(entry)) found.push({ volume, path, entry });
    else leftOut.push(`${volume}:/${shownName(path)}: a ${nounOf(entry)}, which is not taken out`);
  }
  if (found.length === 0) leftOut.push(`${text}: nothing fits`);
  return found;
}

async function rootAt({ client }: OpenedPoint, place: FilePlace): Promise<Root> {
  const { entry, path } = await client.stat(place);
  if (!isTaken(entry))
    throw new SendenseError('files.type', `${place.volume}:${path} is a ${nounOf(entry)}, which is not taken out`);
  return { volume: place.volume, path: Buffer.from(entry.id, 'base64url'), entry };
}

const isTaken = ({ type }: FilesEntry): boolean => ['file', 'folder', 'link', 'fifo'].includes(type);
const nounOf = ({ type }: FilesEntry): string =>
  type === 'socket' ? 'socket' : type === 'unknown' ? 'file that cannot be read' : 'device';

const below = (path: Buffer, folder: Buffer): Buffer => (folder.length === 0 ? path : path.subarray(folder.length + 1));

const isIn = (path: Buffer, folder: Buffer): boolean =>
  folder.length === 0 ||
  (path.length > folder.length && path[folder.length] === 0x2f && path.subarray(0, folder.length).equals(folder));

/** In the order of their paths; what lies in a folder that is taken, too, comes with it. */
function withoutInner(roots: readonly Root[]): Root[] {
  const kept: Root[] = [];
  for (const root of roots.toSorted((a, b) => comparePaths(a.path, b.path))) {
    const last = kept.at(-1);
    if (last && (last.path.equals(root.path) || (last.entry.type === 'folder' && isIn(root.path, last.path)))) continue;
    kept.push(root);
  }
  return kept;
}

/** The path, and every folder on the way to it. */
const pathsTo = (path: Buffer): Buffer[] => [...foldersTo(path), path];

/** Every folder on the way to a path, without the root, the outermost first. */
function foldersTo(path: Buffer): Buffer[] {
  let end = 0;
  return splitPath(path)
    .slice(0, -1)
    .map((name) => path.subarray(0, (end += name.length + (end > 0 ? 1 : 0))));
}

interface InVolume {
  readonly volume: string;
  readonly roots: readonly Root[];
  isExcluded(path: Buffer): boolean;
  readonly leftOut: string[];
}

async function chooseIn(point: OpenedPoint, work: InVolume, signal: AbortSignal): Promise<ChosenFiles> {
  const { volume, roots } = work;
  const whole: Buffer[] = [];
  const alone = new Map<string, Buffer>();
  const openFolder = (path: Buffer): void => void alone.set(path.toString('latin1'), path);
  let bytes = 0;
  for (const { path, entry } of roots) {
    for (const folder of foldersTo(path)) openFolder(folder);
    if (entry.type !== 'folder') {
      bytes += bytesOf(entry);
      whole.push(path);
      continue;
    }
    const looked = await lookInto(point, path, work, signal);
    bytes += looked.bytes;
    if (looked.excluded.length === 0) whole.push(path);
    else whole.push(...(await besides(point, path, { ...work, excluded: looked.excluded }, openFolder)));
  }
  return { volume, whole, alone: [...alone.values()].toSorted(comparePaths), bytes };
}

/** Holes take no room. */
const bytesOf = ({ type, size, allocated }: FilesEntry): number => (type === 'file' ? Math.min(size, allocated) : 0);

interface LookedInto {
  readonly bytes: number;
  /** Paths that are left out; nothing of them lies in another one. */
  readonly excluded: readonly Buffer[];
}

async function lookInto(
  { client, files }: OpenedPoint,
  path: Buffer,
  { volume, isExcluded, leftOut }: InVolume,
  signal: AbortSignal,
): Promise<LookedInto> {
  const excluded: Buffer[] = [];
  let bytes = 0;
  const place = { session: files.id, volume, path: path.toString('base64url') };
  const ended = ({ unreadable }: { readonly unreadable: readonly string[] }): void => void leftOut.push(...unreadable);
  for await (const entry of searchIn(client, place, {}, { signal, ended })) {
    const at = Buffer.from(entry.id, 'base64url');
    const last = excluded.at(-1);
    // A folder comes before what is in it.
    if (last && isIn(at, last)) continue;
    if (isExcluded(at)) excluded.push(at);
    else bytes += bytesOf(entry);
  }
  return { bytes, excluded };
}

/** What a folder holds besides what is left out: folders on the way to that come alone, and their other entries whole. */
async function besides(
  { client, files }: OpenedPoint,
  root: Buffer,
  { volume, excluded }: InVolume & { readonly excluded: readonly Buffer[] },
  openFolder: (path: Buffer) => void,
): Promise<Buffer[]> {
  const key = (path: Buffer): string => path.toString('latin1');
  const gone = new Set(excluded.map(key));
  const opened = new Map<string, Buffer>([[key(root), root]]);
  for (const path of excluded)
    for (const folder of foldersTo(path)) if (isIn(folder, root)) opened.set(key(folder), folder);
  const whole: Buffer[] = [];
  for (const folder of opened.values()) {
    openFolder(folder);
    const place = { session: files.id, volume, path: folder.toString('base64url') };
    for (let after: string | undefined; ;) {
      const page = await client.list(place, { after });
      const paths = page.entries.map(({ id }) => Buffer.from(id, 'base64url'));
      whole.push(...paths.filter((path) => !gone.has(key(path)) && !opened.has(key(path))));
      if (page.next === null) break;
      after = page.next;
    }
  }
  return whole;
}
