import { verifyChain, type ChainVerdict, type VerifyChainOptions } from '../../repository/verify-chain.ts';
import type { State } from '../../state/database/open-state.ts';
import { findPoint, type RestorePoint } from '../../state/points/restore-points.ts';
import { followMerges } from '../hold/follow-merges.ts';
import { storedChain } from '../stored-chain.ts';

/**
 * Looks at the files that a disk of a restore point consists of, as `verifyChain` does. Where they are not as the database says, another hub
 * may have merged them: then it is asked again.
 * @param root folder of the repository
 */
export async function chainVerdict(
  state: State,
  root: string,
  { repository, vm, backup_id: backupId }: RestorePoint,
  number: number,
  how: VerifyChainOptions,
): Promise<ChainVerdict> {
  for (let followed = false; ; followed = true) {
    const point = findPoint(state, { repository, context: vm.context, backupId });
    const chain = point ? storedChain(state, point, number) : `${backupId} is gone`;
    const verdict: ChainVerdict =
      typeof chain === 'string' ? { verdict: 'broken', reason: chain } : await verifyChain(root, chain, how);
    if (verdict.verdict === 'sound' || followed || typeof chain === 'string') return verdict;
    const keys = chain.map((disk) => ({ repository, context: vm.context, backupId: disk.backupId }));
    if (!(await followMerges(state, root, keys))) return verdict;
  }
}
