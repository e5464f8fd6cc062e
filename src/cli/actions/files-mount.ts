import { readdirSync, realpathSync, type Dirent } from 'node:fs';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isInstalled } from '../../host/programs/bound-words.ts';
import { missing } from '../../host/programs/process.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { inPoint, type OpenPoint } from '../files/in-point.ts';
import { filesMounts, release, releaseDead } from '../files/mount/mount-table.ts';
import { mountedTree, type MountedRoot } from '../files/mount/mounted-tree.ts';
import { mountTree } from '../files/mount/mount-tree.ts';
import { patience, patientFiles } from '../files/mount/patient-files.ts';

/** The restore point does not close while it is mounted: it is asked for so often, ms, and before it would close. */
const awakeMs = 5 * 60_000;
const awakeIn = ({ expires }: Pick<FilesOutput, 'expires'>): number =>
  Math.min(awakeMs, Math.max(100, (expires - Date.now()) / 3));

/** Whether somebody has closed it is asked so often, ms: perhaps nobody reads. */
const lookMs = 5000;

export async function mount(context: CommandContext): Promise<number> {
  const [first = '', ...words] = context.args;
  const text = words.length === 2 ? words[0] : undefined;
  const folder = words.at(-1) ?? '';
  if (words.length > 2) throw new SendenseError('usage', 'say a restore point, a volume if you like, and a folder');
  for (const program of ['sshfs', 'fusermount3']) if (!isInstalled(program)) throw missing(program, undefined);
  await releaseDead();
  assertFree(folder);
  const target = emptyFolder(folder);
  return await inPoint(
    context,
    async (point) => {
      const roots = await rootsOf(point, text);
      using signals = installSignals();
      return await serve(context, point, { roots, target, signal: signals.gently });
    },
    first,
  );
}

export async function unmount(context: CommandContext): Promise<number> {
  const [folder = ''] = context.args;
  const mounts = filesMounts();
  // What nobody serves has a path that cannot be looked at: then the path counts as it was typed.
  const wanted =
    mounts.find((one) => one.folder === folder.replace(/(?<=.)\/+$/, '')) ??
    mounts.find((one) => one.folder === realOr(folder));
  if (!wanted)
    throw new SendenseError('usage', `no restore point is mounted on ${folder}`, {
      remedy:
        mounts.length === 0
          ? 'Nothing is mounted.'
          : `Mounted: ${mounts.map((one) => printable(one.folder)).join(', ')}.`,
    });
  await release(wanted.folder);
  return 0;
}

function realOr(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** @throws SendenseError `usage` where a restore point is mounted there already */
function assertFree(folder: string): void {
  const at = realOr(folder);
  const taken = filesMounts().find((one) => one.folder === at);
  if (!taken) return;
  throw new SendenseError('usage', `a restore point is mounted on ${folder} already, by process ${taken.pid}`, {
    remedy: `Name another folder, or end that one first: sendense-run files unmount ${folder}`,
  });
}

/** @throws SendenseError `usage` */
function emptyFolder(folder: string): string {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new SendenseError(
      'usage',
      `${folder} is no folder that you can read (${(error as NodeJS.ErrnoException).code})`,
      {
        remedy: 'Name an empty folder that belongs to you: mkdir FOLDER.',
      },
    );
  }
  if (entries.length > 0)
    throw new SendenseError('usage', `${folder} is not empty`, { remedy: 'Name an empty folder that belongs to you.' });
  return realpathSync(folder);
}

/** The volume that was named, or all that can be read: one is shown as it is, several in folders with their names. */
async function rootsOf(point: OpenPoint, text: string | undefined): Promise<MountedRoot[]> {
  if (text !== undefined) {
    const place = await point.at(/^\/|:/.test(text) ? text : `${text}:/`);
    const { entry } = await point.client.stat(place, true);
    if (entry.type !== 'folder') throw new SendenseError('files.type', `${text} is no folder`);
    return [{ name: null, place: { ...place, path: entry.id } }];
  }
  const places = await point.roots();
  const [only] = places;
  if (!only) throw new SendenseError('files.volume', 'no volume can be read');
  if (places.length === 1) return [{ name: null, place: only }];
  return places.map((place) => ({ name: place.volume.replaceAll('/', '-'), place }));
}

interface Work {
  readonly roots: readonly MountedRoot[];
  readonly target: string;
  readonly signal: AbortSignal;
}

async function serve(context: CommandContext, point: OpenPoint, { roots, target, signal }: Work): Promise<number> {
  const { files } = point;
  const ended = new AbortController();
  const bounds = { signal: ended.signal, silenceMs: context.remoteFiles ? patience.mostMs : null };
  const client = patientFiles(point.client, bounds);
  /** @returns bytes that are used */
  const stayOpen = async (): Promise<number> => {
    let used = 0;
    for (const { place } of roots) {
      const { volumes } = await client.show(place.session, { volume: place.volume });
      used += volumes.find(({ id }) => id === place.volume)?.used ?? 0;
    }
    return used;
  };
  const lost = new AbortController();
  const tree = mountedTree(client, roots, {
    used: await stayOpen(),
    bounds,
    lost: (error) => lost.abort(error),
  });
  const awake = setInterval(() => void stayOpen().catch(tree.statusOf), awakeIn(files)).unref();
  const looks = setInterval(() => void tree.look(), lookMs).unref();
  try {
    await mountTree(tree, {
      name: `${files.vm}@${files.backup_id}`,
      target,
      signal: AbortSignal.any([signal, lost.signal]),
      mounted: () => tellMounted(context, point, roots, target),
      ended: () => ended.abort(),
    });
  } catch (error) {
    // Ctrl-C is the usual end.
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(awake);
    clearInterval(looks);
  }
  return 0;
}

function tellMounted(
  { global, terminal }: CommandContext,
  { files }: OpenPoint,
  roots: readonly MountedRoot[],
  target: string,
): void {
  if (global.quiet) return;
  const what = roots.map(({ place, name }) => (name === null ? place.volume : name)).join(', ');
  terminal.stderr.write(
    `${printable(files.vm)}, restore point ${files.backup_id}: ${printable(what)} mounted read-only on ${printable(target)}\n` +
      `Ctrl-C ends it, or: sendense-run files unmount ${printable(target)}\n`,
  );
}
