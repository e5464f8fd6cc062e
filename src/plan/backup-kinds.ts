import type { Plan } from '../schemas/types.ts';

/** Whether plans of a kind make restore points of one VM, from what its source says. */
const backsUp: Readonly<Record<Plan['kind'], boolean>> = {
  backup: true,
  incremental: true,
  group: false,
  restore: false,
  boot: false,
  keep: false,
  prune: false,
  verify: false,
};

/** Kinds of plans that back one VM up. */
export const backupKinds: readonly string[] = Object.entries(backsUp).flatMap(([kind, does]) => (does ? [kind] : []));

export const isBackupKind = (kind: string): boolean => backupKinds.includes(kind);
