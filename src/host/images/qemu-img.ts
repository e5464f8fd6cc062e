import { dirname, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { layersOf } from './image-layers.ts';
import { encryptionOptions, plainTarget, type ImageKey, type ImageTarget } from './image-options.ts';
import { writeNewFile } from '../files/files.ts';
import { runTool } from '../programs/process.ts';
import { parseJson } from '../../schemas/parse-json.ts';

export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vhdx';

/** Sizes in bytes. Source: `qemu-img info --output=json`. */
export interface ImageInfo {
  readonly format: string;
  readonly virtualSize: number;
  readonly actualSize: number;
  /** Backing file as the header names it, undefined where there is none. */
  readonly backingFile: string | undefined;
  readonly corrupt: boolean;
  readonly encrypted: boolean;
}

/** @param file absolute path; a relative one could be taken for a protocol or an option */
export async function imageInfo(
  file: string,
  options: { format?: string | undefined; forceShare?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<ImageInfo> {
  const args = [
    'info',
    '--output=json',
    ...(options.forceShare ? ['-U'] : []),
    ...(options.format ? ['-f', options.format] : []),
    file,
  ];
  const { stdout } = await runTool('qemu-img', args, { signal: options.signal, timeoutMs: 60_000 });
  const info = parseJson(stdout) as {
    'format': string;
    'virtual-size': number;
    'actual-size'?: number;
    'backing-filename'?: string;
    'encrypted'?: boolean;
    'format-specific'?: { data?: { corrupt?: boolean } };
  };
  return {
    format: info.format,
    virtualSize: info['virtual-size'],
    actualSize: info['actual-size'] ?? 0,
    backingFile: info['backing-filename'],
    corrupt: info['format-specific']?.data?.corrupt === true,
    encrypted: info.encrypted === true,
  };
}

const layout = ['compat=1.1', 'cluster_size=65536', 'lazy_refcounts=off'];

/** Arguments of {@link createQcow2}; also what a dry-run shows. `backing` is relative to `file`'s folder. */
export function createQcow2Args(
  file: string,
  capacity: number,
  backing: string | null,
  key: ImageKey | null = null,
): string[] {
  const encryption = encryptionOptions(key);
  return [
    'create',
    '-q',
    ...encryption.objects,
    '-f',
    'qcow2',
    '-o',
    [...layout, ...encryption.options].join(','),
    // The backing file is not opened here: nobody but `imageTarget` says how one is.
    ...(backing === null ? [] : ['-u', '-F', 'qcow2', '-b', backing]),
    file,
    String(capacity),
  ];
}

/**
 * @param backing relative to `file`'s folder; it, and what it is built on, must be there and ours. No program opens it.
 * @param key encrypts it
 * @throws SendenseError `chain.damaged`, `file.unreadable`, `tool.failed`
 */
export async function createQcow2(
  file: string,
  capacity: number,
  backing: string | null,
  signal?: AbortSignal,
  key: ImageKey | null = null,
): Promise<void> {
  if (backing !== null) await layersOf(resolve(dirname(file), backing));
  await create(createQcow2Args(file, capacity, backing, key), encryptionOptions(key).secret, signal);
}

/**
 * A qcow2 on what its header names, which nobody opens: a server, or a file that no repository has. Fails where there is a file.
 * @param backing as qemu names it, with its format
 * @param key encrypts it
 * @throws SendenseError `file.exists`, `tool.failed`, `disk.full`
 */
export async function createOverlayOn(
  file: string,
  capacity: number,
  backing: { readonly name: string; readonly format: 'raw' | 'qcow2' },
  { key, signal }: { readonly key: ImageKey | null; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  // qemu-img would write over one that is there.
  await writeNewFile(file, '');
  const encryption = encryptionOptions(key);
  const options = [...layout, ...encryption.options].join(',');
  const onto = ['-u', '-F', backing.format, '-b', backing.name];
  const args = ['create', '-q', ...encryption.objects, '-f', 'qcow2', '-o', options, ...onto, file, String(capacity)];
  await create(args, encryption.secret, signal);
}

async function create(args: readonly string[], secret: string | undefined, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await runTool('qemu-img', args, { signal, secret, timeoutMs: 120_000 });
      return;
    } catch (error) {
      if (attempt === mostAttempts || !isUnmeasured(error)) throw error;
    }
  }
}

const mostAttempts = 10;

/**
 * For each LUKS header qemu measures how fast it hashes, by the processor time of a thread that runs some milliseconds. A kernel
 * that counts such time in ticks now and then counts none, which ends qemu-img; the next attempt is as good as the first.
 */
const isUnmeasured = (error: unknown): boolean =>
  error instanceof SendenseError && error.code === 'tool.failed' && error.message.includes('accurate CPU usage');

/** Arguments of {@link createOverlay}. */
export const createOverlayArgs = (file: string, backing: string, capacity: number): string[] => [
  'create',
  '-q',
  '-u',
  '-f',
  'qcow2',
  '-F',
  'qcow2',
  '-b',
  backing,
  file,
  String(capacity),
];

/**
 * A qcow2, not encrypted, on top of an image named by its absolute path, which is not opened.
 * @param capacity bytes
 * @param cwd from which `file` counts, if it is relative
 */
export async function createOverlay(
  file: string,
  backing: string,
  capacity: number,
  signal?: AbortSignal,
  cwd?: string,
): Promise<void> {
  await runTool('qemu-img', createOverlayArgs(file, backing, capacity), {
    signal,
    timeoutMs: 120_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/**
 * Writes what an overlay holds into the image that it is on. The overlay keeps it, so this may be called again.
 * @param overlay describes both files, so that neither is found by what a header says
 * @param options.cwd from which their names count
 * @throws SendenseError `tool.failed`, `disk.full`
 */
export async function commitOverlay(
  { objects, name, secret }: ImageTarget,
  options: { readonly cwd: string; readonly signal: AbortSignal; onProgress(): void },
): Promise<void> {
  const { cwd, signal, onProgress } = options;
  await runTool('qemu-img', ['commit', '-p', '-d', ...objects, name], {
    cwd,
    signal,
    secret,
    onStdoutText: onProgress,
  });
}

/** A plain name is that of a qcow2 that is not encrypted. */
const asTarget = (image: string | ImageTarget): ImageTarget => (typeof image === 'string' ? plainTarget(image) : image);

export interface ImageCheck {
  readonly ok: boolean;
  /** Clusters that are allocated but not used: harmless, but never seen in a file that was closed well. */
  readonly leaks: number;
  readonly corruptions: number;
  readonly message: string;
}

/** `qemu-img check`: exit codes 0 fine, 2 corrupt, 3 leaks, 63 not supported by the format (qemu-img(1)). */
export async function checkImage(image: string | ImageTarget, signal?: AbortSignal): Promise<ImageCheck> {
  const { objects, format, name, secret } = asTarget(image);
  const result = await runTool('qemu-img', ['check', '--output=json', ...objects, ...format, name], {
    signal,
    secret,
    allowFailure: true,
  });
  if (![0, 2, 3].includes(result.exitCode)) {
    return {
      ok: false,
      leaks: 0,
      corruptions: 1,
      message: `qemu-img check ended with ${result.exitCode}: ${result.stderr.trim()}`,
    };
  }
  const report = parseJson(result.stdout) as { 'leaks'?: number; 'corruptions'?: number; 'check-errors'?: number };
  const corruptions = (report.corruptions ?? 0) + (report['check-errors'] ?? 0);
  const leaks = report.leaks ?? 0;
  const ok = result.exitCode === 0 && corruptions === 0 && leaks === 0;
  return {
    ok,
    leaks,
    corruptions,
    message: ok ? 'no errors' : `${corruptions} corruptions, ${leaks} leaked clusters ${result.stderr.trim()}`.trim(),
  };
}

export interface ConvertOptions {
  readonly from: ImageTarget;
  readonly to: string;
  readonly toFormat: string;
  readonly toOptions?: string | undefined;
  /** Compresses what can be. */
  readonly compressed?: boolean;
  /** Backing file of the target as its header names it: only what `from` itself holds is written. */
  readonly toBacking?: string | null;
  /** From which a relative `to` and `toBacking` count. */
  readonly cwd?: string;
  /** The target is there, and large enough; zeros are written, for it may hold anything. */
  readonly isThere?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Fraction from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Arguments of {@link convertImage}; also what a dry-run shows. */
export function convertArgs(options: ConvertOptions): string[] {
  return [
    'convert',
    '-p',
    '-W',
    ...(options.isThere ? ['-n'] : []),
    '-m',
    '8',
    ...options.from.objects,
    ...options.from.format,
    '-O',
    options.toFormat,
    ...(options.compressed ? ['-c'] : []),
    ...(options.toOptions ? ['-o', options.toOptions] : []),
    ...(options.toBacking ? ['-B', options.toBacking, '-F', 'qcow2'] : []),
    options.from.name,
    options.to,
  ];
}

export async function convertImage(options: ConvertOptions): Promise<void> {
  await runTool('qemu-img', convertArgs(options), {
    signal: options.signal,
    secret: options.from.secret,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...progressOf(options.onProgress),
  });
}

/** qemu-img writes its progress as `    (12.34/100%)\r`. */
export function progressOf(onProgress: ((fraction: number) => void) | undefined): {
  onStdoutText?: (text: string) => void;
} {
  if (!onProgress) return {};
  return {
    onStdoutText: (text) => {
      const last = text.match(/\(([0-9.]+)\/100%\)/g)?.at(-1);
      if (last) onProgress(Number.parseFloat(last.slice(1)) / 100);
    },
  };
}

/** Bytes that a copy takes whose unused parts are holes: `qemu-img measure`. A little more than raw and vmdk files will take. */
export async function measureImage({ objects, name, secret }: ImageTarget, signal?: AbortSignal): Promise<number> {
  const args = ['measure', '--output=json', ...objects, '-O', 'qcow2', name];
  const { stdout } = await runTool('qemu-img', args, { signal, secret, timeoutMs: 600_000 });
  return (JSON.parse(stdout) as { required: number }).required;
}

export interface Allocation {
  readonly start: number;
  readonly length: number;
  /** How deep in the chain: 0 is the file itself. */
  readonly depth: number;
  readonly data: boolean;
  readonly zero: boolean;
  readonly present: boolean;
  /** Where in the file; missing where it does not hold these bytes as they are. */
  readonly offset?: number;
}

/** `qemu-img map`: which parts of the guest's disk this file (depth 0) or a file below it holds. Offsets in bytes. @param cwd from which names in `image` count */
export const mapImage = (image: string | ImageTarget, signal?: AbortSignal, cwd?: string): Promise<Allocation[]> =>
  mapAreas(image, [], { signal, cwd });

/**
 * {@link mapImage} of a part of the disk.
 * @param most of more areas than these it gives up: a fragmented disk has millions
 * @returns null where it gave up
 */
export async function mapPart(
  image: ImageTarget,
  { offset, length }: { readonly offset: number; readonly length: number },
  most: number,
  signal?: AbortSignal,
): Promise<Allocation[] | null> {
  const enough = new AbortController();
  const args = [`--start-offset=${offset}`, `--max-length=${length}`];
  const either = AbortSignal.any([enough.signal, ...(signal ? [signal] : [])]);
  try {
    return await mapAreas(image, args, { signal: either }, (count) => {
      if (count > most) enough.abort();
    });
  } catch (error) {
    if (enough.signal.aborted && !signal?.aborted) return null;
    throw error;
  }
}

async function mapAreas(
  image: string | ImageTarget,
  args: readonly string[],
  { signal, cwd }: { readonly signal?: AbortSignal | undefined; readonly cwd?: string | undefined },
  onCount?: (count: number) => void,
): Promise<Allocation[]> {
  const { objects, format, name, secret } = asTarget(image);
  const areas: Allocation[] = [];
  // One area a line; a fragmented disk has millions, too many for one text.
  const onStdoutLine = (line: string): void => {
    const from = line.indexOf('{');
    if (from < 0) return;
    areas.push(JSON.parse(line.slice(from, line.lastIndexOf('}') + 1)) as Allocation);
    onCount?.(areas.length);
  };
  await runTool('qemu-img', ['map', '--output=json', ...args, ...objects, ...format, name], {
    signal,
    secret,
    onStdoutLine,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return areas;
}

/** Identical guest content? Source: qemu-img(1), compare: 0 identical, 1 different, above 1 error. */
export async function compareImages(
  a: { file: string; format: string },
  b: { file: string; format: string },
  signal?: AbortSignal,
): Promise<boolean> {
  const result = await runTool('qemu-img', ['compare', '-q', '-f', a.format, '-F', b.format, a.file, b.file], {
    signal,
    allowFailure: true,
  });
  if (result.exitCode > 1)
    throw new SendenseError('tool.failed', `qemu-img compare ended with ${result.exitCode}: ${result.stderr.trim()}`);
  return result.exitCode === 0;
}
