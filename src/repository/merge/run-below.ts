import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backingNameOf } from '../../host/images/qcow2-header.ts';
import { backingName, imagePath } from '../layout.ts';
import { readIntent } from './intent.ts';
import { factsOf, sameFacts } from './merge-files.ts';

/** One disk of a restore point, as the database knows it. */
export interface LinkedDisk {
  readonly backupId: string;
  readonly number: number;
  /** Relative to the repository. */
  readonly path: string;
  /** Backup id that it is built on. */
  readonly parent: string | null;
}

const mostTries = 5;
const pauseMs = 100;

/**
 * Why an image cannot be built upon, for what its file itself is built on: the parent that the database knows, or, while a
 * removal is not finished, files in between, of restore points that the database knows no more. A removal that goes on at
 * this moment is looked at again.
 * @param root of the repository
 * @returns null: it can
 */
export async function brokenBelow(root: string, disk: LinkedDisk): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    const problem = await problemBelow(root, disk).catch((error: Error) => `${disk.path}: ${error.message}`);
    if (problem === null || tries === mostTries) return problem;
    await delay(pauseMs);
  }
}

async function problemBelow(root: string, { backupId, number, path, parent }: LinkedDisk): Promise<string | null> {
  const expected = parent === null ? null : backingName(parent);
  const below = await backingNameOf(join(root, path));
  if (below === expected) return null;
  if (below === undefined) return `${path} cannot be read: it is no qcow2`;
  const context = dirname(dirname(path));
  const intent = await readIntent(root, context, backupId);
  const merge = intent?.child?.disks.find((entry) => entry.number === number);
  if (!merge) return `${path} is built on ${below ?? 'nothing'}, and has to be on ${expected ?? 'nothing'}`;
  for (const [at, before] of merge.run.entries()) {
    const file = imagePath(context, number, before.backup_id);
    const facts = await factsOf(join(root, file));
    const written = merge.direction === 'commit' && merge.begun && at === merge.run.length - 1;
    const fits = written
      ? facts !== null && (merge.after === null || sameFacts(facts, merge.after))
      : sameFacts(facts, before);
    if (!fits) return `${file}, on which ${path} is built until a removal is finished, is missing or was changed`;
  }
  return null;
}
