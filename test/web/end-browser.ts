import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Ends the Chromium that the test files of a run shared, if one did. @param programs folder of the run's own programs */
export function endBrowser(programs: string): void {
  try {
    // It leads a group of its own.
    process.kill(-Number(readFileSync(join(programs, 'browser/pid'), 'utf8')), 'SIGKILL');
  } catch {
    // No file needed it, or it has ended by itself.
  }
}
