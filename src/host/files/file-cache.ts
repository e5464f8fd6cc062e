import { runTool } from '../programs/process.ts';

/** Sets when a file was changed, to the nanosecond, which Node cannot. @param mtimeNs since the epoch */
export async function setMtimeNs(path: string, mtimeNs: bigint, signal?: AbortSignal): Promise<void> {
  const nanoseconds = String(mtimeNs % 1_000_000_000n).padStart(9, '0');
  await runTool('touch', ['-m', '-c', '-d', `@${mtimeNs / 1_000_000_000n}.${nanoseconds}`, '--', path], { signal });
}

/**
 * Asks the kernel to forget what it holds of a file in memory, so that the next reading is of the disk (dd(1), "Advise to
 * drop cache for whole file"). The file must have been flushed. Where that cannot be had, reading is of the memory.
 */
export async function dropCache(path: string, signal?: AbortSignal): Promise<void> {
  await runTool('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'], { signal, allowFailure: true });
}
