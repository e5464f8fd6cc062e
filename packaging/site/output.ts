import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const mark = '.sendense-site';

/** Makes an empty folder for the site. Removes what an earlier build wrote there, and refuses a folder of anybody else. */
export function emptyOutput(folder: string): void {
  if (existsSync(folder)) {
    if (readdirSync(folder).length > 0 && !existsSync(join(folder, mark))) {
      throw new Error(
        `${folder} has files that no build of the site wrote: move them, or name another folder with --out`,
      );
    }
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, mark), '');
}
