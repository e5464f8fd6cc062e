import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageTarget } from './image-options.ts';
import { runTool } from '../programs/process.ts';

/**
 * The first bytes that a guest sees of an image.
 * @param folder for a temporary file
 * @throws SendenseError `tool.failed`, `tool.missing`
 */
export async function readImageStart(
  { objects, format, name, secret }: ImageTarget,
  { bytes, folder, signal }: { bytes: number; folder: string; signal?: AbortSignal | undefined },
): Promise<Buffer> {
  const file = join(folder, 'start.raw');
  const args = ['dd', ...objects, ...format, '-O', 'raw', `bs=${bytes}`, 'count=1', `if=${name}`, `of=${file}`];
  try {
    await runTool('qemu-img', args, { signal, secret, timeoutMs: 60_000 });
    return await readFile(file);
  } finally {
    await rm(file, { force: true });
  }
}
