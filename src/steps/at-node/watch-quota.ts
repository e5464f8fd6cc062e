import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { allocatedIn } from '../../repository/stored-files/allocated.ts';
import { capacityLimits, type CapacityLimits } from '../../repository/stored-files/capacity.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import { promisedBytes, spaceClaims } from '../at-hub/space-for-run.ts';
import type { Services } from '../services.ts';

export interface WatchedRun {
  readonly repository: string;
  /** Directory of the VM. */
  readonly context: string;
  /** What the run itself makes, relative to the repository. */
  readonly files: readonly string[];
}

/** What the repository takes beside the files of runs that are under way, bytes. */
interface Base {
  readonly used: number;
  readonly usedByVm: number;
}

/**
 * For a run that writes: asked again and again, whether it is within the quotas of its repository still. Everything is looked at
 * once, and then only the files that runs are making. Others count with what they have written and with what they have
 * announced, so of two runs the one goes that takes more than it announced. What a prune has freed meanwhile is found before a run
 * is stopped; what is copied into the repository meanwhile, only then.
 * @returns throws SendenseError `repository.quota`; does nothing where there is no quota
 */
export async function watchQuota(
  { services, runId, signal }: StepContext<Services>,
  run: WatchedRun,
): Promise<() => Promise<void>> {
  const limits = capacityLimits(services.settings.repositories[run.repository]);
  if (limits.quota === null && limits.vmQuota === null) return () => Promise.resolve();
  const root = services.repositoryPath(run.repository);
  // Once seen, a file counts: when its run has ended, it is still there or it is not.
  const others = new Set<string>();
  const seeOthers = (): void => {
    for (const { claim } of spaceClaims(services, run.repository, runId))
      for (const file of claim.files) others.add(file);
  };
  const writtenByOthers = async (): Promise<number> => {
    seeOthers();
    return writtenIn(root, others);
  };
  // Files that grow meanwhile are left out, not taken off: they would be larger by then.
  const look = async (): Promise<Base> => {
    seeOthers();
    const { total, contexts } = await allocatedIn(root, signal, new Set([...run.files, ...others]));
    const othersOfVm = [...others].filter((file) => file.startsWith(`${run.context}/`));
    return { used: total, usedByVm: (contexts.get(run.context) ?? 0) + (await writtenIn(root, othersOfVm)) };
  };
  let base = await look();
  const whyNot = async (): Promise<string | null> => {
    const written = await writtenIn(root, run.files);
    const more = (await writtenByOthers()) + (await promisedBytes(services, run.repository, root, runId));
    return aboveQuota(run, written, { used: base.used + more, usedByVm: base.usedByVm }, limits);
  };
  return async () => {
    if ((await whyNot()) === null) return;
    base = await look();
    const why = await whyNot();
    if (why !== null) throw new SendenseError('repository.quota', why);
  };
}

/** Why a run has to be stopped; null: it need not. Pure. */
function aboveQuota(
  { repository, context }: WatchedRun,
  written: number,
  { used, usedByVm }: Base,
  { quota, vmQuota }: CapacityLimits,
): string | null {
  const about = `the backup of ${context} was stopped: it has written ${sizeText(written)}`;
  if (quota !== null && used + written > quota)
    return `${about}, and ${sizeText(used)} of the quota of repository ${repository} (${sizeText(quota)}) are taken beside it`;
  if (vmQuota !== null && usedByVm + written > vmQuota)
    return `${about}, and ${sizeText(usedByVm)} of what a VM may take in repository ${repository} (vmQuota, ${sizeText(vmQuota)}) are taken already`;
  return null;
}

async function writtenIn(root: string, files: Iterable<string>): Promise<number> {
  const sizes = await Promise.all([...files].map((file) => writtenBytes(join(root, file))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Without what a file system sets aside beyond the end of a file that grows (XFS). 0: it is not there. */
async function writtenBytes(path: string): Promise<number> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return info === null ? 0 : Math.min(info.size, info.blocks * 512);
}
