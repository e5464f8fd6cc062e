import type { Plan } from '../../schemas/types.ts';

/** What somebody may do at the hub. Each route names one of these. */
export const rights = {
  look: 'See VMs, restore points, runs, logs, plans, schedules, repositories, nodes and notices.',
  operate: 'Start backups and verifications, cancel runs, pause and resume schedules.',
  browse: 'List and read files of restore points, past all permissions that they have in their guest.',
  restore: 'Restore files, disks and VMs, and boot restore points.',
  keep: 'Protect, prune, delete and adopt restore points.',
  plan: 'Write plans.',
  administer: 'Manage users, tokens, credentials, nodes and channels of notices; read the audit log.',
  figures: 'Read the figures for Prometheus, and whether the hub is well.',
  self: 'See who one is, and manage one’s own sessions and password.',
} as const;

export type Right = keyof typeof rights;

const rightOfKind: Readonly<Record<Plan['kind'], Right>> = {
  backup: 'operate',
  incremental: 'operate',
  group: 'operate',
  verify: 'operate',
  restore: 'restore',
  boot: 'restore',
  keep: 'keep',
  prune: 'keep',
};

/** What running a plan takes, by its kind. One of a kind that this version does not have takes the right to write plans. */
export const rightToRun = (kind: string): Right =>
  Object.hasOwn(rightOfKind, kind) ? rightOfKind[kind as Plan['kind']] : 'plan';

const risks: Readonly<Record<string, string>> = {
  prune: 'removes restore points',
  restore: 'may write over disks or start a VM',
  boot: 'may connect VMs to a network',
};

/** What a plan of a kind may destroy or set off, in words; null: nothing. Who has typed the password lately may run it. */
export const riskOfKind = (kind: string): string | null => (Object.hasOwn(risks, kind) ? (risks[kind] ?? null) : null);

export const allRights = new Set(Object.keys(rights) as Right[]) as ReadonlySet<Right>;

/** What a user or token may have. Several add up. */
export const roles = {
  viewer: ['look', 'figures', 'self'],
  operator: ['look', 'operate', 'figures', 'self'],
  restorer: ['look', 'browse', 'restore', 'figures', 'self'],
  admin: [...allRights],
} as const satisfies Readonly<Record<string, readonly Right[]>>;

export type Role = keyof typeof roles;

export const roleNames = Object.keys(roles) as readonly Role[];

/** The rights of all these roles together. */
export const rightsOf = (named: readonly Role[]): ReadonlySet<Right> =>
  new Set(named.flatMap((role): readonly Right[] => roles[role]));
