import type { Granted } from './granted.ts';
import { roleNames } from './rights.ts';

/** What groups of a directory may do here, as the settings say. */
export interface GroupRules {
  /** Roles by group. */
  readonly groups: Readonly<Record<string, string | readonly string[]>>;
  /** Patterns of VMs by group: who has only such groups is limited to them. */
  readonly vms: Readonly<Record<string, readonly string[]>>;
}

/**
 * What somebody who is in these groups may do: the roles of all of them. Limited to VMs if each group that gives a role is; an admin
 * never is.
 */
export function grantOfGroups(has: readonly string[], { groups, vms }: GroupRules): Granted {
  const counted = has.filter((group) => Object.hasOwn(groups, group));
  const given = new Set(counted.flatMap((group) => groups[group] ?? []));
  const roles = roleNames.filter((role) => given.has(role));
  const limits = counted.map((group) => (Object.hasOwn(vms, group) ? vms[group] : undefined));
  const limited = roles.length > 0 && !given.has('admin') && limits.every((patterns) => patterns !== undefined);
  return { roles, vms: limited ? [...new Set(limits.flatMap((patterns) => patterns ?? []))] : null };
}
