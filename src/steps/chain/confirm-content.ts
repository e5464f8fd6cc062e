import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareExport } from '../../blocks/compare-export.ts';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { removeRunFolder } from '../../host/programs/run-folder.ts';
import type { ChainVerdict, StoredDisk } from '../../repository/verify-chain.ts';
import { recordFileTime } from '../../state/database/file-times.ts';
import { readFolderId, serveReadOnly } from '../../restore-points/serve-chain.ts';
import type { Services } from '../services.ts';

/**
 * A chain whose files have other times than at the commit: its guest content is read whole and compared with the newest
 * block index. Where it is the same, the new times are recorded, so that the next run need not read it again.
 */
export async function confirmContent(
  context: StepContext<Services>,
  where: { readonly root: string; readonly repository: string; readonly vm: string; readonly label: string },
  chain: readonly StoredDisk[],
  touched: readonly string[],
): Promise<ChainVerdict> {
  const { root, repository, vm, label } = where;
  const newest = chain[0];
  if (!newest) return { verdict: 'broken', reason: 'the chain is empty' };
  context.log(`${label}: ${touched.join(', ')} changed since the commit; comparing the content of the chain`);
  context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
  try {
    const key = (await context.services.imageKeys(repository)).of(newest);
    await using server = await serveReadOnly(
      join(root, newest.path),
      'qcow2',
      readFolderId(context.runId),
      context.signal,
      key,
    );
    const result = await compareExport({
      uri: server.uri,
      indexPath: join(root, newest.indexPath),
      indexKey: key,
      signal: context.signal,
      onProgress: (done) =>
        context.progress([
          { disk: label, phase: 'comparing', bytes_done: done, bytes_total: newest.capacity, rate: 0 },
        ]),
    });
    const first = result.mismatches[0];
    if (first)
      return {
        verdict: 'broken',
        reason: `the content of ${newest.path} is not what was backed up, first at offset ${first.offset}`,
      };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof SendenseError)) throw error;
    return { verdict: 'broken', reason: `${newest.path} cannot be read: ${error.message}` };
  }
  for (const disk of chain) {
    const { mtimeNs } = await stat(join(root, disk.path), { bigint: true });
    recordFileTime(
      context.services.state,
      { repository, context: vm, backupId: disk.backupId },
      disk.number,
      String(mtimeNs),
    );
  }
  return { verdict: 'sound' };
}
