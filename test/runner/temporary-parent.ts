import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const memory = '/dev/shm';
const enoughBytes = 4 * 2 ** 30;

/**
 * Where the tests make their files: in memory where there is room, because nothing of theirs has to outlive a power cut and a disk that
 * is flushed a hundred times a second would set the pace. `TMPDIR=… npm test` says otherwise; `npm run test:all` uses the disk.
 */
export function temporaryParent(): string {
  if (process.env['TMPDIR'] || process.env['SENDENSE_TESTS'] === 'all') return tmpdir();
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize >= enoughBytes ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}
