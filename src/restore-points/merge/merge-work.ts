import type { ImageKeys } from '../../repository/image-keys.ts';
import { readContext } from '../../repository/stored-files/read-context.ts';
import { affectedBy, type UnitPoint } from '../../repository/merge/plan-units.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import type { Manifest, MergeIntent } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { points } from '../../state/points/restore-points.ts';
import type { VmContext } from '../../state/points/vm-disks.ts';
import type { FreedLater } from './freed-later.ts';
import type { HeldAreas } from './held-areas.ts';
import type { MergeThreads } from './merge-threads.ts';

/** What is asked of whoever removes restore points; the rest is made for it. */
export interface MergeRequest extends Omit<MergeWork, 'folderId' | 'threads' | 'held' | 'freed' | 'hold'> {
  /** The run that does it, which may hold the VM's lock in the repository already; default: one of its own. */
  readonly runId?: string | undefined;
}

/** What removing restore points of one VM acts with. */
export interface MergeWork {
  readonly state: State;
  readonly vm: VmContext;
  /** Of the repository, absolute. */
  readonly root: string;
  /** The VM's lock in the repository. */
  readonly hold: VmHold;
  readonly keys: ImageKeys;
  /** Of a run folder, for sockets. */
  readonly folderId: string;
  readonly threads: MergeThreads;
  readonly held: HeldAreas;
  readonly freed: FreedLater;
  readonly signal?: AbortSignal | undefined;
  /** Why nothing may be taken away at this moment; null, or left out: nothing speaks against it. Asked within a transaction. */
  hindered?(): string | null;
  log(message: string): void;
  progress(done: number, total: number): void;
}

/** The restore points of the VM: what the manifests say, and of one whose manifest is missing what the database says. */
export async function knownPoints({ state, vm, root }: MergeWork): Promise<{
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly all: readonly UnitPoint[];
}> {
  const { manifests } = await readContext(root, vm.context);
  const lost = points(state, vm).filter((point) => !manifests.has(point.backup_id));
  return { manifests, all: [...manifests.values(), ...lost] };
}

/** Every restore point that has to do with files of this removal. */
export const affectedByIntent = (all: readonly UnitPoint[], { removed, child }: MergeIntent): Set<string> =>
  affectedBy(all, [...removed.map(({ backup_id: id }) => id), ...(child ? [child.backup_id] : [])]);
