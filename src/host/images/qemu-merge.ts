import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { secretObjects, secretId, type ImageKey, type ImageTarget } from './image-options.ts';
import { flushedMeanwhile } from '../files/flushed-meanwhile.ts';
import { runTool } from '../programs/process.ts';
import type { ImageLayer } from './image-layers.ts';
import { createOverlay, progressOf } from './qemu-img.ts';

/** Readers come and go while a merge goes on, and what they see does not change: QEMU's locks would turn them away. */
const unlockedFile = { driver: 'file', locking: 'off' };

const encryption = ({ encrypted }: ImageLayer): object => (encrypted ? { encrypt: { 'key-secret': secretId } } : {});

/** How an image is opened: each layer on top of the next, also where its header names another one. */
const stacked = (layers: readonly ImageLayer[], lowest: object | null): object | null =>
  layers.reduceRight<object | null>(
    (backing, layer) => ({
      driver: 'qcow2',
      ...encryption(layer),
      file: { ...unlockedFile, filename: layer.file },
      backing,
    }),
    lowest,
  );

/**
 * As {@link stacked}, but what the last layer is built on is opened as its header says: qemu-img finds the image that it commits to by
 * its name, which one has no more whose backing file is described. `layersOf` has just read these headers: each names a qcow2 beside it.
 */
function stackedOnHeader(layers: readonly ImageLayer[]): object | null {
  const [last] = layers.slice(-1);
  const lowest = last ? { driver: 'qcow2', file: { ...unlockedFile, filename: last.file } } : null;
  return stacked(layers.slice(0, -1), lowest);
}

/**
 * Runs qemu-img so that nothing else of ours writes to the file `locked` at the same time: it ends with the process that has started it,
 * and until it has, it holds the file's flock(2).
 */
async function runAlone(
  locked: string,
  args: readonly string[],
  options: {
    readonly key: ImageKey | null;
    readonly signal?: AbortSignal | undefined;
    onProgress?(fraction: number): void;
  },
): Promise<void> {
  const alone = ['--exclusive', '--timeout', '600', '--conflict-exit-code', '75', '--no-fork', locked];
  await runTool('flock', [...alone, 'qemu-img', ...args], {
    signal: options.signal,
    secret: options.key?.passphrase,
    ...progressOf(options.onProgress),
  }).catch((error: unknown) => {
    if (error instanceof SendenseError && /ended with 75/.test(error.message))
      throw new SendenseError('source.busy', `another merge still writes to ${locked}`, { cause: error });
    throw error;
  });
}

export interface CommitWay {
  /** The whole chain of the image, newest first. */
  readonly layers: readonly ImageLayer[];
  /** Absolute path of the one of them that takes in what those above hold. Only this one is written to. */
  readonly into: string;
  /** Beside them; may be used for an empty overlay, and is gone after {@link commitDown}. */
  readonly temporary: string;
  /** Bytes. */
  readonly capacity: number;
  readonly key: ImageKey | null;
  /** Another name of `into`, absolute: where it is gone, nothing is written. */
  readonly gate?: string | undefined;
}

export interface CommitOptions extends CommitWay {
  readonly signal?: AbortSignal | undefined;
  onProgress?(fraction: number): void;
}

const isEncrypted = ({ key, layers }: CommitWay): boolean => key !== null && layers.some(({ encrypted }) => encrypted);

/**
 * What {@link commitDown} needs: qemu-img wants to be allowed to write to the topmost image, so that is an empty overlay. All
 * above the one that is written to are read-only then. Changes nothing else; again is fine.
 */
export async function prepareCommit(way: CommitWay, signal?: AbortSignal): Promise<void> {
  const { layers, temporary, capacity } = way;
  await rm(temporary, { force: true });
  if (!isEncrypted(way)) await createOverlay(temporary, basename(layers[0]?.file ?? ''), capacity, signal);
}

/**
 * Copies what the layers above hold down into one, which then shows the same as the first. Again is fine, after
 * {@link prepareCommit}. Those above stay as they are (`-d`), for whoever reads them; where the one is encrypted, they must be
 * writable nevertheless.
 * @throws SendenseError `disk.full`, `tool.failed`, `source.busy`
 */
export async function commitDown(options: CommitOptions): Promise<void> {
  const { layers, into } = options;
  const at = layers.findIndex(({ file }) => file === into);
  if (at < 1) throw new SendenseError('run.internal', `${into} is not in the chain that is merged`);
  const commit = isEncrypted(options) ? commitEncrypted(options, at) : commitPlain(options, at);
  await flushedMeanwhile(into, commit);
}

async function commitPlain(
  { layers, into, temporary, gate = into, ...options }: CommitOptions,
  at: number,
): Promise<void> {
  const top = { file: temporary, encrypted: false };
  const image = `json:${JSON.stringify(stackedOnHeader([top, ...layers.slice(0, at + 1)]))}`;
  await runAlone(gate, ['commit', '-p', '-d', '-b', into, image], { ...options, key: null });
  await rm(temporary, { force: true });
}

/**
 * qemu-img finds no base by its name in a chain that is described with keys, only what an image is directly on top of: so
 * each layer goes down by itself, put directly on top, the lowest first. What shows through the chain never changes.
 */
async function commitEncrypted(
  { layers, into, key, gate = into, ...options }: CommitOptions,
  at: number,
): Promise<void> {
  const base = stacked(layers.slice(at), null);
  for (let number = at - 1; number >= 0; number--) {
    const image = `json:${JSON.stringify(stacked(layers.slice(number, number + 1), base))}`;
    const onProgress = (fraction: number): void => options.onProgress?.((at - 1 - number + fraction) / at);
    await runAlone(gate, ['commit', '-p', '-d', ...secretObjects, image], { ...options, key, onProgress });
  }
}

/**
 * Gives back clusters that a writer which was cut off has taken and not used.
 * @throws SendenseError `tool.failed` where the image has worse than that
 */
export async function repairLeaks(
  layer: ImageLayer,
  key: ImageKey | null,
  signal?: AbortSignal,
  gate = layer.file,
): Promise<void> {
  const image = `json:${JSON.stringify(stacked([layer], null))}`;
  const objects = layer.encrypted ? secretObjects : [];
  await runAlone(gate, ['check', '-q', '-r', 'leaks', ...objects, image], {
    key: layer.encrypted ? key : null,
    signal,
  });
}

/** A copy that shares its data with the file until either is written to. False: the file system cannot. */
export async function cloneFile(from: string, to: string): Promise<boolean> {
  await rm(to, { force: true });
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    await rm(to, { force: true });
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EINVAL', 'ENOTTY'].includes(code)) return false;
    throw error;
  }
}

/**
 * Puts an image on another backing file, of which its present one is an overlay; what it shows does not change. Not for
 * encrypted images: qemu-img cannot be told the key of the new backing file.
 * @param backing as the header shall name it
 * @throws SendenseError `disk.full`, `tool.failed`
 */
export async function rebaseOnto(
  file: string,
  backing: string,
  options: { readonly signal?: AbortSignal | undefined; onProgress?(fraction: number): void } = {},
): Promise<void> {
  const args = ['rebase', '-p', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, file];
  await runAlone(file, args, { key: null, ...options });
}

/** Whether two images show the same disk. Both with the same key, if any. */
export async function showsSame(a: ImageTarget, b: ImageTarget, signal?: AbortSignal): Promise<boolean> {
  const objects = a.objects.length > 0 ? a.objects : b.objects;
  const result = await runTool('qemu-img', ['compare', '-q', ...objects, a.name, b.name], {
    signal,
    secret: a.secret ?? b.secret,
    allowFailure: true,
  });
  if (result.exitCode > 1)
    throw new SendenseError('tool.failed', `qemu-img compare ended with ${result.exitCode}: ${result.stderr.trim()}`);
  return result.exitCode === 0;
}
