import { randomUUID } from 'node:crypto';
import { assertOwnFolder } from '../../repository/own-folder.ts';
import { holdVm, type Held } from '../../repository/vm-lock/hold-vm.ts';
import type { State } from '../../state/database/open-state.ts';
import { databaseId } from '../../state/credentials/sealing-key.ts';

/** Longer than anybody holds the marks of a VM who lives, ms. */
const waitMs = 30_000;

/**
 * Nobody else, of whatever hub, changes marks of the VM until this is disposed of, and no restore point of it goes. For a moment only.
 * @throws SendenseError `run.locked`, `repository.unusable`
 */
export async function holdMarks(
  state: State,
  { root, context }: { readonly root: string; readonly context: string },
): Promise<Held> {
  await assertOwnFolder(root, context);
  return holdVm({
    root,
    context,
    of: 'marks',
    hub: databaseId(state),
    run: `marks-${randomUUID().slice(0, 8)}`,
    waitMs,
  });
}
