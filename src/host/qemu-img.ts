import { SendenseError } from '../errors/sendense-error.ts';
import { runTool } from './process.ts';

export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vhdx';

/** Sizes in bytes. Source: `qemu-img info --output=json`. */
export interface ImageInfo {
  readonly format: string;
  readonly virtualSize: number;
  readonly actualSize: number;
  /** Backing file as the header names it, undefined where there is none. */
  readonly backingFile: string | undefined;
  readonly corrupt: boolean;
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
  const info = JSON.parse(stdout) as {
    'format': string;
    'virtual-size': number;
    'actual-size'?: number;
    'backing-filename'?: string;
    'format-specific'?: { data?: { corrupt?: boolean } };
  };
  return {
    format: info.format,
    virtualSize: info['virtual-size'],
    actualSize: info['actual-size'] ?? 0,
    backingFile: info['backing-filename'],
    corrupt: info['format-specific']?.data?.corrupt === true,
  };
}

/** Arguments of {@link createQcow2}; also what a dry-run shows. `backing` is relative to `file`'s folder. */
export function createQcow2Args(file: string, capacity: number, backing: string | null): string[] {
  const options = 'compat=1.1,cluster_size=65536,lazy_refcounts=off';
  return backing === null
    ? ['create', '-q', '-f', 'qcow2', '-o', options, file, String(capacity)]
    : ['create', '-q', '-f', 'qcow2', '-o', options, '-F', 'qcow2', '-b', backing, file, String(capacity)];
}

export async function createQcow2(
  file: string,
  capacity: number,
  backing: string | null,
  signal?: AbortSignal,
): Promise<void> {
  await runTool('qemu-img', createQcow2Args(file, capacity, backing), { signal, timeoutMs: 120_000 });
}

/** Arguments of {@link createOverlay}. */
export const createOverlayArgs = (file: string, backing: string): string[] => [
  'create',
  '-q',
  '-f',
  'qcow2',
  '-F',
  'qcow2',
  '-b',
  backing,
  file,
];

/** A qcow2 on top of an image named by its absolute path, with that image's capacity. */
export async function createOverlay(file: string, backing: string, signal?: AbortSignal): Promise<void> {
  await runTool('qemu-img', createOverlayArgs(file, backing), { signal, timeoutMs: 120_000 });
}

export interface ImageCheck {
  readonly ok: boolean;
  /** Clusters that are allocated but not used: harmless, but never seen in a file that was closed well. */
  readonly leaks: number;
  readonly corruptions: number;
  readonly message: string;
}

/** `qemu-img check`: exit codes 0 fine, 2 corrupt, 3 leaks, 63 not supported by the format (qemu-img(1)). */
export async function checkImage(file: string, signal?: AbortSignal): Promise<ImageCheck> {
  const result = await runTool('qemu-img', ['check', '--output=json', '-f', 'qcow2', file], {
    signal,
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
  const report = JSON.parse(result.stdout) as { 'leaks'?: number; 'corruptions'?: number; 'check-errors'?: number };
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
  readonly from: string;
  readonly fromFormat: string;
  readonly to: string;
  readonly toFormat: string;
  readonly toOptions?: string | undefined;
  /** The target must be written from start to end. */
  readonly inOrder?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Fraction from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Arguments of {@link convertImage}; also what a dry-run shows. */
export function convertArgs(options: ConvertOptions): string[] {
  return [
    'convert',
    '-p',
    ...(options.inOrder ? [] : ['-W']),
    '-m',
    '8',
    '-f',
    options.fromFormat,
    '-O',
    options.toFormat,
    ...(options.toOptions ? ['-o', options.toOptions] : []),
    options.from,
    options.to,
  ];
}

export async function convertImage(options: ConvertOptions): Promise<void> {
  await runTool('qemu-img', convertArgs(options), {
    signal: options.signal,
    ...progressOf(options.onProgress),
  });
}

/** qemu-img writes its progress as `    (12.34/100%)\r`. */
function progressOf(onProgress: ((fraction: number) => void) | undefined): { onStdoutText?: (text: string) => void } {
  if (!onProgress) return {};
  return {
    onStdoutText: (text) => {
      const last = text.match(/\(([0-9.]+)\/100%\)/g)?.at(-1);
      if (last) onProgress(Number.parseFloat(last.slice(1)) / 100);
    },
  };
}

export interface Allocation {
  readonly start: number;
  readonly length: number;
  /** How deep in the chain: 0 is the file itself. */
  readonly depth: number;
  readonly data: boolean;
  readonly zero: boolean;
  readonly present: boolean;
}

/** `qemu-img map`: which parts of the guest's disk this file (depth 0) or a file below it holds. Offsets in bytes. */
export async function mapImage(file: string, signal?: AbortSignal): Promise<Allocation[]> {
  const areas: Allocation[] = [];
  // One area a line; a fragmented disk has millions, too many for one text.
  const onStdoutLine = (line: string): void => {
    const area = line
      .replace(/^\[/, '')
      .replace(/[,\]]$/, '')
      .trim();
    if (area !== '') areas.push(JSON.parse(area) as Allocation);
  };
  await runTool('qemu-img', ['map', '--output=json', '-f', 'qcow2', file], { signal, onStdoutLine });
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
