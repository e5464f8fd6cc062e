import { SendenseError } from '../../errors/sendense-error.ts';
import type { Settings } from '../../schemas/types.ts';
import { sizeBytes, sizeText } from './size.ts';

/** Sizes in bytes; null: no such limit. */
export interface CapacityLimits {
  readonly minFree: number;
  readonly quota: number | null;
  readonly vmQuota: number | null;
  /** 0 to 1. */
  readonly warnAt: number;
}

/** As the settings say them. */
export function capacityLimits(settings: Settings['repositories'][string] | undefined): CapacityLimits {
  const { minFree = 0, quota, vmQuota, warnAt = '90%' } = settings ?? {};
  return {
    minFree: sizeBytes(minFree),
    quota: quota === undefined ? null : sizeBytes(quota),
    vmQuota: vmQuota === undefined ? null : sizeBytes(vmQuota),
    warnAt: Number.parseInt(warnAt, 10) / 100,
  };
}

export interface CapacityFacts {
  readonly repository: string;
  readonly vm: string;
  /** What the run will take. */
  readonly needed: number;
  /** What other runs that are under way will still take. */
  readonly promised: number;
  readonly free: number;
  readonly total: number;
  readonly used: number;
  readonly usedByVm: number;
}

const remedy =
  'See what a prune would free (`sendense-run prune --dry-run`) and what is left over (`sendense-run repo gc --dry-run`), or give it more: a larger disk, `quota`, `vmQuota`, a smaller `minFree`.';

/**
 * Whether a run fits. Pure.
 * @returns warnings
 * @throws SendenseError `repository.full` with the numbers
 */
export function assertFits(facts: CapacityFacts, limits: CapacityLimits): string[] {
  const { repository, vm, needed, promised, free, total, used, usedByVm } = facts;
  const about = `the backup of ${vm} needs about ${sizeText(needed)}`;
  const others = promised > 0 ? `, of which other runs need ${sizeText(promised)}` : '';
  const refuse = (why: string): never => {
    throw new SendenseError('repository.full', `${about}, and repository ${repository} has ${why}`, { remedy });
  };
  const kept = limits.minFree > 0 ? `, ${sizeText(limits.minFree)} must stay free (minFree)` : '';
  if (needed + promised + limits.minFree > free) refuse(`${sizeText(free)} free${kept}${others}`);
  if (limits.quota !== null && used + promised + needed > limits.quota)
    refuse(`${sizeText(used)} of its quota of ${sizeText(limits.quota)} in use${others.replace('of which', 'and')}`);
  if (limits.vmQuota !== null && usedByVm + needed > limits.vmQuota)
    refuse(`${sizeText(usedByVm)} of ${vm} already, of ${sizeText(limits.vmQuota)} that a VM may take (vmQuota)`);
  const warnings: string[] = [];
  const warn = (what: string, after: number, of: number): void => {
    if (of > 0 && after / of > limits.warnAt)
      warnings.push(`${what} will be ${Math.round((after / of) * 100)} % full after this backup (${sizeText(of)})`);
  };
  warn(`the file system of repository ${repository}`, total - free + promised + needed, total);
  if (limits.quota !== null) warn(`the quota of repository ${repository}`, used + promised + needed, limits.quota);
  if (limits.vmQuota !== null) warn(`the quota of ${vm}`, usedByVm + needed, limits.vmQuota);
  return warnings;
}

/**
 * Free bytes below which a run is stopped before programs fail in the middle of a write: what must stay free, but at
 * least a hundredth of the file system, or 256 MiB where that is less.
 */
export const floorOf = (minFree: number, total: number): number =>
  Math.max(minFree, Math.min(total / 100, 256 * 2 ** 20));
