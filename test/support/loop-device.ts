import { truncateSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';

/** Whether this user can attach loop devices. */
export const canAttach = process.getuid?.() === 0;

/** A block device of `bytes` in a new file, blank, gone at the end of the block. Needs root. @param sectors bytes of one */
export async function loopDevice(
  file: string,
  bytes: number,
  sectors = 512,
): Promise<AsyncDisposable & { readonly path: string }> {
  writeFileSync(file, '');
  truncateSync(file, bytes);
  const { stdout: path } = await execa('losetup', ['--find', '--show', '--partscan', `--sector-size=${sectors}`, file]);
  return { path, [Symbol.asyncDispose]: async () => void (await execa('losetup', ['--detach', path])) };
}
