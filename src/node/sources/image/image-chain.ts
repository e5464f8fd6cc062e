import { SendenseError } from '../../../errors/sendense-error.ts';
import { emptyDisk } from '../../../host/images/not-a-disk.ts';
import { runTool, type ToolResult } from '../../../host/programs/process.ts';
import { lacksLockedRaw, lockedRaw } from '../../../host/images/raw-image.ts';
import { describeLayers } from './describe-layers.ts';
import type { DiskFile } from './disk-file.ts';
import { filesOf, judgeLayers, type JudgedLayer } from './judge-layers.ts';
import { parseJson } from '../../../schemas/parse-json.ts';

/** What is known of an image and of the files below it. Bytes. */
export interface ImageChain {
  readonly virtualSize: number;
  /** Space used by all of its files. */
  readonly allocatedBytes: number;
  /** Absolute paths of all files that the content comes from, the image itself first. */
  readonly files: readonly string[];
  readonly layer: JudgedLayer;
}

interface ChainOptions {
  readonly forceShare: boolean;
  /** Files and folders of the node or hub itself. */
  readonly own: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * @throws SendenseError `source.busy` where another program has the image open for writing, `source.unsupported` where
 * qemu cannot read it, and what `judgeLayers` throws
 */
export async function imageChain(file: DiskFile, options: ChainOptions): Promise<ImageChain> {
  const layer = await judgeLayers(file, options.own);
  const result = await infoOf(file, layer, options);
  if (result.exitCode !== 0) throw failure(file, result.stderr);
  const { 'virtual-size': virtualSize } = parseJson(result.stdout) as { 'virtual-size': number };
  if (virtualSize === 0) throw emptyDisk(file.path, file.block);
  const files = filesOf(layer);
  return {
    virtualSize,
    allocatedBytes: files.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0),
    files: [...new Set(files.map(({ path }) => path))],
    layer,
  };
}

async function infoOf(file: DiskFile, layer: JudgedLayer, { forceShare, signal }: ChainOptions): Promise<ToolResult> {
  const info = (image: readonly string[]): Promise<ToolResult> =>
    runTool('qemu-img', ['info', '--output=json', ...(forceShare ? ['-U'] : []), ...image], {
      signal,
      timeoutMs: 60_000,
      allowFailure: true,
    });
  const plain = [describeLayers(layer, { forceShare, alone: true })];
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
