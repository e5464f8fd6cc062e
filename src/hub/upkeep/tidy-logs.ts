import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { logFolder, monthFolder } from '../runs/run-log/place.ts';

export interface TidyLogsOptions {
  readonly statePath: string;
  /** Logs last written before that go; milliseconds since the epoch. */
  readonly before: number;
  /** All that stay together take no more bytes; the oldest go first. */
  readonly most: number;
  /** Runs that go on, or have to be cleaned up after: their logs stay. */
  readonly open: ReadonlySet<string>;
}

interface LogFile {
  readonly path: string;
  readonly bytes: number;
  readonly written: number;
}

/** Removes old logs of runs and of jobs. A log that cannot be removed stays. */
export async function tidyLogs(options: TidyLogsOptions): Promise<{ removed: number; bytes: number }> {
  const root = logFolder(options.statePath);
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const months = entries.filter((entry) => entry.isDirectory() && monthFolder.test(entry.name)).map(({ name }) => name);
  const files = (await Promise.all(['', ...months].map((name) => filesIn(join(root, name), options.open)))).flat();
  const newestFirst = files.toSorted((a, b) => b.written - a.written);
  let kept = 0;
  let removed = 0;
  let bytes = 0;
  for (const file of newestFirst) {
    if (file.written >= options.before && kept + file.bytes <= options.most) {
      kept += file.bytes;
      continue;
    }
    const gone = await rm(file.path, { force: true }).then(
      () => true,
      () => false,
    );
    if (!gone) continue;
    removed++;
    bytes += file.bytes;
  }
  // Only an empty one goes.
  for (const month of months) await rmdir(join(root, month)).catch(() => undefined);
  return { removed, bytes };
}

async function filesIn(folder: string, open: ReadonlySet<string>): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    // Pictures are of restore points that were booted.
    if (!/\.(jsonl|png)$/.test(name) || [...open].some((id) => name.startsWith(id))) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info?.isFile()) files.push({ path, bytes: info.size, written: info.mtimeMs });
  }
  return files;
}
