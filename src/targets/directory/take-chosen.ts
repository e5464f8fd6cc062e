import { mkdirSync, type Dirent } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ChosenFiles, ChosenOfPoint } from '../../files/choose/choose-files.ts';
import type { OpenedPoint } from '../../files/choose/find-volume.ts';
import { splitPath } from '../../files/choose/path-pattern.ts';
import { beginPart, join, removeDeadParts } from '../../files/take/part.ts';
import { assertFree } from '../../files/take/put-in-place.ts';
import { takeVolume } from '../../files/take/take-volume.ts';
import { shownName } from '../../files/shown.ts';
import { freeBytes } from '../../host/files/files.ts';
import { namedFull } from '../../host/files/full-disk.ts';
import { pinFolder } from '../../host/files/pinned-folder.ts';
import { runTool } from '../../host/programs/process.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { RestoreRun, TakenFiles } from '../target-kind.ts';
import { assertApart } from './room-for-disks.ts';
import { removeTaken, treeName, type TakenClaim } from './taken-files.ts';

interface TakeRun {
  readonly run: Pick<RestoreRun, 'signal' | 'progress'>;
  /** Absolute path of the repository: nothing is written into it. */
  readonly repository: string;
  readonly overwrite: boolean;
}

/**
 * Takes files into a private folder of the target, by their whole paths; each volume into a folder of its own where there are several.
 * @throws SendenseError `file.exists`, `disk.full`, `files.reader`
 */
export async function takeChosen(
  point: OpenedPoint,
  { volumes, leftOut }: ChosenOfPoint,
  claim: TakenClaim,
  { run, repository, overwrite }: TakeRun,
): Promise<Omit<TakenFiles, keyof TakenClaim>> {
  const { directory } = claim;
  await using target = await pinFolder(directory);
  // Where it leads to now: from here on it is this very folder.
  await assertApart(repository, await realpath(target.path));
  await removeDeadParts(target);
  const folders = volumes.length > 1 ? new Map(volumes.map(({ volume }) => [volume, folderOf(volume)])) : null;
  const names = folders ? [...folders.values()].map((folder) => Buffer.from(folder)) : await namesIn(point, volumes);
  if (!overwrite) for (const one of names) assertFree(target.path, one, true, false, `${directory}/${shownName(one)}`);
  await assertFits(volumes, directory);
  // What an earlier attempt of the same run has left.
  await removeTaken(claim);
  await using part = await beginPart(target, claim.part, false);
  const tree = `${part.path}/${treeName}`;
  mkdirSync(tree, { mode: 0o700 });
  const said: string[] = [];
  for (const chosen of volumes) {
    const folder = folders?.get(chosen.volume);
    const into = folder === undefined ? tree : `${tree}/${folder}`;
    if (folder !== undefined) mkdirSync(into, { mode: 0o755 });
    const onBytes = progressOf(chosen, run);
    const taking = takeVolume(point, chosen, into, { signal: run.signal, onBytes }).catch((error: unknown) => {
      throw namedFull(error, [{ path: into, what: 'the target of the restore' }]);
    });
    said.push(...(await taking));
    onBytes(chosen.bytes);
  }
  await runTool('sync', ['--file-system', treeName], { cwd: part.path, signal: run.signal });
  const made = await readdir(tree, { encoding: 'buffer' });
  return { names: made.map(nameText), ...(await countIn(Buffer.from(tree))), left_out: [...leftOut, ...said] };
}

const nameText = (name: Buffer): string => name.toString('base64url');

/** A volume such as `vg0/root` gets a name without a slash. */
const folderOf = (volume: string): string => volume.replaceAll('/', '-');

/** The first names of what is taken. */
async function namesIn({ client, files }: OpenedPoint, [only]: readonly ChosenFiles[]): Promise<Buffer[]> {
  if (!only) return [];
  const first = [...only.whole, ...only.alone].flatMap((path) => splitPath(path).slice(0, 1));
  if (only.whole.some((path) => path.length === 0)) {
    const root = { session: files.id, volume: only.volume, path: '' };
    for (let after: string | undefined; ;) {
      const page = await client.list(root, { after });
      first.push(...page.entries.map(({ id }) => Buffer.from(id, 'base64url')));
      if (page.next === null) break;
      after = page.next;
    }
  }
  return [...new Map(first.map((name) => [name.toString('latin1'), name])).values()];
}

/** Before anything is written. Holes make it less than this, and what folders take makes it more. */
async function assertFits(volumes: readonly ChosenFiles[], directory: string): Promise<void> {
  const [needed, free] = [volumes.reduce((sum, { bytes }) => sum + bytes, 0), await freeBytes(directory)];
  if (needed <= free) return;
  throw new SendenseError(
    'disk.full',
    `the files have ${sizeText(needed)}, and ${sizeText(free)} are free at ${directory}; nothing was written`,
    { remedy: 'Make space, choose another directory, or take fewer files.' },
  );
}

/** Tells how far a volume is. What is sent around the files makes it more than they hold. */
function progressOf(
  { volume, bytes }: ChosenFiles,
  { progress }: Pick<RestoreRun, 'progress'>,
): (more: number) => void {
  let done = 0;
  const started = performance.now();
  return (more) => {
    done = Math.min(bytes, done + more);
    const rate = Math.round((done * 1000) / (performance.now() - started + 1));
    progress([{ disk: volume, phase: 'copying', bytes_done: done, bytes_total: bytes, rate }]);
  };
}

/** Another user's folder may be closed to this one. */
const entriesOf = (folder: Buffer): Promise<Dirent<Buffer>[]> =>
  readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') return [];
    throw error;
  });

/** What is there: nobody who could have lied has counted it. */
async function countIn(folder: Buffer): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of await entriesOf(at)) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        folders.push(path);
        continue;
      }
      sum.files++;
      if (entry.isFile()) sum.bytes += (await lstat(path)).size;
    }
  }
  return sum;
}
