import { join } from 'node:path';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { isNamed } from '../../host/files/files.ts';
import { manifestPath } from '../../repository/layout.ts';
import { manifestSays } from '../../repository/manifest-says.ts';
import { filesOfIntent, intentNames, intentPath, readIntent, type MergeChild } from '../../repository/merge/intent.ts';
import { remedies, report, type Walk } from './check-walk.ts';

/** Removals of restore points that are under way in a VM's folder. */
export interface Merges {
  /** Those that go: they are no restore points any more. */
  readonly removed: ReadonlySet<string>;
  /** Those that stay and are merged, by backup id. */
  readonly children: ReadonlyMap<string, MergeChild>;
  /** What the removals need or will remove, relative to the repository. */
  readonly files: ReadonlySet<string>;
}

/** Says of a removal that nobody is at that it was cut off. */
export async function readMerges(walk: Walk, context: string): Promise<Merges> {
  const removed = new Set<string>();
  const children = new Map<string, MergeChild>();
  const files = new Set<string>();
  const living = walk.options.merging?.().has(context) ?? false;
  for (const name of await intentNames(walk.options.root, context)) {
    const path = intentPath(context, name);
    files.add(path);
    try {
      const intent = await readIntent(walk.options.root, context, name);
      if (!intent) continue;
      for (const { backup_id: id } of intent.removed) removed.add(id);
      if (intent.child) children.set(intent.child.backup_id, intent.child);
      for (const file of filesOfIntent(intent)) files.add(file);
      if (!living)
        report(walk, 'warning', 'file.leftover', null, path, 'is of a removal that was cut off', remedies.merge);
    } catch (error) {
      const { message, remedy } = toSendenseError(error);
      report(walk, 'error', 'manifest.damaged', null, path, `is damaged: ${message}`, remedy);
    }
  }
  return { removed, children, files };
}

/**
 * What was found of restore points that were removed or merged while they were looked at is no finding.
 * @param from the first finding of this VM
 * @param seen checksums of the manifests as they were read
 */
export async function forgetRemoved(
  walk: Walk,
  context: string,
  from: number,
  seen: ReadonlyMap<string, string>,
): Promise<void> {
  const { root } = walk.options;
  const found = walk.findings.splice(from);
  if (found.length === 0) return;
  const known = walk.options.known(context).get(context);
  const living = walk.options.merging?.().has(context) ?? false;
  const { removed, children, files } = await readMerges({ ...walk, findings: [] }, context);
  for (const finding of found) {
    const { backup_id: id, path } = finding;
    if (id === null ? files.has(path) && finding.code === 'file.unowned' : removed.has(id)) continue;
    if (id === null && finding.code === 'file.unowned' && !(await isNamed(join(root, path)))) continue;
    const checksum = id === null ? null : await checksumAt(join(root, manifestPath(context, id)));
    if (id !== null && checksum === null && known?.has(id) !== true) continue;
    // Another manifest than the one it was judged by, and the database knows that one.
    if (id !== null && seen.has(id) && seen.get(id) !== checksum && known?.get(id) === checksum) continue;
    // Somebody is at it: the next check judges it.
    if (id !== null && children.has(id) && living) continue;
    walk.findings.push(finding);
  }
}

async function checksumAt(path: string): Promise<string | null> {
  try {
    const said = await manifestSays(path);
    return said && (said.checksum ?? '');
  } catch {
    return '';
  }
}
