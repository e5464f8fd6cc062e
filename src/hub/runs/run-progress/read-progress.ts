import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSmall } from '../../../host/files/regular-file.ts';
import { parseJson } from '../../../schemas/parse-json.ts';
import type { HubRunProgress } from '../../../schemas/types.ts';
import { validatorOf } from '../../../schemas/validator.ts';
import { progressFile, progressFolder } from './place.ts';

/** How far runs of any process are. A file is read again only when it was replaced. */
export interface ProgressReader {
  /** Another text than before, once any run has said how far it is. */
  mark(): Promise<string>;
  /** The same of one run. */
  markOf(runId: string): Promise<string>;
  /** Null: it has not said anything yet, or has ended. */
  of(runId: string): Promise<HubRunProgress | null>;
}

/** A run with a thousand disks says so in less, bytes. */
const mostBytes = 1024 * 1024;
/** Runs whose progress is remembered. */
const mostKnown = 500;

export function progressReader(statePath: string): ProgressReader {
  const known = new Map<string, { readonly mark: string; readonly progress: HubRunProgress }>();
  const folder = progressFolder(statePath);
  const markOf = (runId: string): Promise<string> => markOfFile(progressFile(statePath, runId));
  return {
    // A file that is replaced changes its folder.
    mark: () => markOfFile(folder),
    markOf,
    async of(runId) {
      const mark = await markOf(runId);
      const last = known.get(runId);
      known.delete(runId);
      if (mark === none) return null;
      const progress = last?.mark === mark ? last.progress : await read(progressFile(statePath, runId));
      if (progress === null) return null;
      known.set(runId, { mark, progress });
      for (const [oldest] of known) {
        if (known.size <= mostKnown) break;
        known.delete(oldest);
      }
      return progress;
    },
  };
}

const none = '';

const markOfFile = (path: string): Promise<string> =>
  stat(path, { bigint: true }).then(
    ({ mtimeNs, ino }) => `${mtimeNs} ${ino}`,
    () => none,
  );

/** Null where the run has ended meanwhile. */
async function read(path: string): Promise<HubRunProgress | null> {
  try {
    const found = parseJson(((await readSmall(path, mostBytes)) ?? '').toString());
    return validatorOf('hub/run-progress.json')(found) ? (found as HubRunProgress) : null;
  } catch {
    return null;
  }
}

/** Removes what runs left whose process was killed. @param open runs that go on, or have to be cleaned up after */
export async function tidyProgress(statePath: string, open: ReadonlySet<string>): Promise<void> {
  const folder = progressFolder(statePath);
  for (const name of await readdir(folder).catch(() => [] as string[]))
    if (!open.has(name.replace(/\.json(?:\.part)?$/, '')))
      await rm(join(folder, name), { force: true }).catch(() => undefined);
}
