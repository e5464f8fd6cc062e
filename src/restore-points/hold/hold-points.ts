import { join } from 'node:path';
import { exists } from '../../host/files/files.ts';
import { locksFolder } from '../../repository/layout.ts';
import { assertOwnFolder } from '../../repository/own-folder.ts';
import { holdVm, tryHoldVm, type Held, type HoldRequest } from '../../repository/vm-lock/hold-vm.ts';
import type { LockRecord } from '../../repository/vm-lock/lock-record.ts';
import { livingHolder, type LockOwner } from '../../repository/vm-lock/take-lock.ts';
import type { State } from '../../state/database/open-state.ts';
import { databaseId } from '../../state/credentials/sealing-key.ts';

type Wanted = Omit<HoldRequest, 'hub' | 'of' | 'waitMs'>;

/**
 * Restore points of the VM come and go through the caller alone until this is disposed of, whatever hubs use the repository. The lock of
 * this hub's database is taken before: it says who waits for whom here. A run that has it already gets it again.
 * @throws SendenseError `run.locked`, `repository.unusable`
 */
export async function holdPoints(state: State, wanted: Wanted): Promise<Held> {
  await assertOwnFolder(wanted.root, wanted.context);
  return holdVm({ ...wanted, hub: databaseId(state) });
}

/** As {@link holdPoints}, but answers who has it. */
export const tryHoldPoints = (
  state: State,
  wanted: Wanted,
): Promise<{ readonly hold: Held } | { readonly owner: LockOwner }> => tryHoldVm({ ...wanted, hub: databaseId(state) });

/** Who works on the VM at this moment, as far as that is seen without taking its lock; null: nobody. */
export const whoHolds = (
  state: State,
  { root, context }: Pick<Wanted, 'root' | 'context'>,
): Promise<LockRecord | null> => livingHolder(root, join(locksFolder, context), databaseId(state));

/** Gives back the lock of a run that was killed: who takes it now is this process, which lives. Where somebody else has it, that has happened. */
export async function giveBackPoints(state: State, of: Pick<Wanted, 'root' | 'context' | 'run'>): Promise<void> {
  const { root, context, run } = of;
  if (!(await exists(join(root, locksFolder, context)))) return;
  const got = await tryHoldPoints(state, { root, context, run });
  if ('hold' in got) await got.hold[Symbol.asyncDispose]();
}
