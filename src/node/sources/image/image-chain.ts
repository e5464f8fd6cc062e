import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { runTool, type ToolResult } from '../../../host/programs/process.ts';
import { lacksLockedRaw, lockedRaw } from '../../../host/images/raw-image.ts';
import type { DiskFile } from './disk-file.ts';

/** What qemu says of an image and the files below it. Bytes. */
export interface ImageChain {
  readonly virtualSize: number;
  /** Space used by all of its files. */
  readonly allocatedBytes: number;
  /** Absolute paths of all files that the content comes from, the image itself first. */
  readonly files: readonly string[];
}

interface Layer {
  'filename': string;
  'format': string;
  'virtual-size': number;
  'actual-size'?: number;
  'backing-filename'?: string;
  'backing-filename-format'?: string;
  'format-specific'?: { data?: { 'extents'?: { filename: string }[]; 'data-file'?: string } };
}

/**
 * @throws SendenseError `source.busy` where another program has the image open for writing, `source.unsupported` where
 * qemu cannot read it or where the format of a backing file would have to be guessed
 */
export async function imageChain(
  file: DiskFile,
  options: { forceShare: boolean; signal?: AbortSignal | undefined },
): Promise<ImageChain> {
  const result = await infoOf(file, options);
  if (result.exitCode !== 0) throw failure(file, result.stderr);
  const layers = JSON.parse(result.stdout) as [Layer, ...Layer[]];
  // It has no files but itself. Opened with a lock, QEMU names it by its options and does not say what it uses.
  if (file.format === 'raw')
    layers[0] = { ...layers[0], 'filename': file.path, 'actual-size': (await stat(file.path)).blocks * 512 };
  for (const layer of layers) assertSafe(layer);
  if (layers[0]['virtual-size'] === 0)
    throw new SendenseError('source.unsupported', `${file.path} is a disk of 0 bytes`);
  return {
    virtualSize: layers[0]['virtual-size'],
    allocatedBytes: layers.reduce((sum, layer) => sum + (layer['actual-size'] ?? 0), 0),
    files: [...new Set([file.path, ...layers.flatMap((layer) => filesOf(layer))])],
  };
}

async function infoOf(
  file: DiskFile,
  { forceShare, signal }: { forceShare: boolean; signal?: AbortSignal | undefined },
): Promise<ToolResult> {
  const info = (image: readonly string[]): Promise<ToolResult> =>
    runTool('qemu-img', ['info', '--output=json', '--backing-chain', ...(forceShare ? ['-U'] : []), ...image], {
      signal,
      timeoutMs: 60_000,
      allowFailure: true,
    });
  const plain = ['-f', file.format, file.path];
  if (!takesLock(file) || forceShare) return info(plain);
  const locked = await info(['--image-opts', lockedRaw(file.path)]);
  return locked.exitCode !== 0 && lacksLockedRaw(locked.stderr) ? info(plain) : locked;
}

/** Other formats are locked by QEMU of itself; block devices are not locked by it at all. */
export const takesLock = ({ format, block }: DiskFile): boolean => format === 'raw' && !block;

function failure(file: DiskFile, stderr: string): SendenseError {
  const said = stderr.trim().replace(/^qemu-img: /, '');
  if (/Failed to get (shared )?"[a-z ]+" lock|Is another process using the image/i.test(said)) {
    return new SendenseError('source.busy', `${file.path} is in use by another program: ${said}`);
  }
  return new SendenseError('source.unsupported', `${file.path} cannot be read as ${file.format}: ${said}`);
}

/** A backing file of no stated format is probed by qemu: its guest could have written any header into it. */
function assertSafe(layer: Layer): void {
  if (layer.format !== 'qcow2' || !layer['backing-filename'] || layer['backing-filename-format']) return;
  throw new SendenseError(
    'source.unsupported',
    `${layer.filename} does not state the format of its backing file ${layer['backing-filename']}`,
    {
      remedy: 'State it: qemu-img rebase -u -F FORMAT -b BACKING-FILE IMAGE.',
    },
  );
}

/** Extents of a VMDK and data files are named relative to the image; what is not a plain path is left out. */
const filesOf = (layer: Layer): string[] =>
  [
    layer.filename,
    ...(layer['format-specific']?.data?.extents ?? []).map((extent) => extent.filename),
    layer['format-specific']?.data?.['data-file'],
  ]
    .filter((name): name is string => name !== undefined && !/^[a-z0-9-]+:/.test(name))
    .map((name) => (isAbsolute(name) ? name : resolve(dirname(layer.filename), name)));
