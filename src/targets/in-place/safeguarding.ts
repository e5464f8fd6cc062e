import { SendenseError } from '../../errors/sendense-error.ts';
import { nameFrom } from '../../plan/names.ts';
import type { InPlaceChecked } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { Safeguarding } from '../target-kind.ts';
import { checkInPlace } from './check-in-place.ts';
import { claimOf } from './in-place-claim.ts';

/**
 * Of a VM that is restored in part no backup can be made: no disk is overwritten that the restore before does not write to.
 * @throws SendenseError `target.unfit`
 */
function assertTouched({ run, untouched = [] }: NonNullable<InPlaceChecked['unfinished']>, name: string): void {
  if (untouched.length === 0) return;
  throw new SendenseError(
    'target.unfit',
    `the VM ${name} is restored in part by run ${run}, so no backup of it can be made, and that run does not write to ${untouched.join(' and ')}: what is there would be lost`,
    {
      remedy:
        'First restore the disks that it has begun (`--disk`, `disks`), then the others. Or say that what is there may be lost: --no-safety-backup (`safetyBackup: false`).',
    },
  );
}

/** A backup of the VM as it is, so that one can go back. */
export const safeguarding = (hub: TargetHub): Safeguarding<'inPlace'> => ({
  async wanted(request, runId, isPreview) {
    const { to, repository, from } = request;
    const { vm: name, backup_id: point } = from.point();
    const claim = claimOf(to, { runId });
    const { checked, takesOver, spec } = await checkInPlace(hub, request, claim);
    if (checked.unfinished?.torn && to.safetyBackup) assertTouched(checked.unfinished, checked.name);
    if (checked.unfinished?.torn)
      return { plan: null, why: 'the VM is restored in part: a backup of it would be torn' };
    if (!to.safetyBackup) return { plan: null, why: 'the plan says `safetyBackup: false`' };
    if (takesOver !== null && !isPreview) {
      // Nothing was written under that mark, and a backup refuses a VM that has one.
      const client = await hub.node(claim.node);
      const login = await hub.login(spec);
      const about = { run: takesOver, point, vm: checked.vm, power_on: false };
      await client.endInPlace({ source: spec, ...login, ...about, jobs: [], action: 'release' }, hub.signal);
    }
    const plan = {
      version: 1,
      kind: 'backup',
      name: nameFrom(`before-restore-${name}`),
      vm: { name, source: to.inPlace, moref: checked.vm },
      repository,
      node: to.node,
      beforeRestore: point,
    };
    return { plan: JSON.stringify(plan), why: null };
  },
});
