/**
 * What a run holds from its begin to its end. One backup of a VM in a repository at a time, one run of a group. Restores only
 * read, and other kinds take the locks of VMs one by one: null.
 */
export function runLock({ kind, name, repository, vm }: LockedPlan): string | null {
  if (kind === 'backup' || kind === 'incremental' || kind === 'keep') return `${String(repository)}/${vm}`;
  return kind === 'group' ? `group:${name}` : null;
}

export interface LockedPlan {
  readonly kind: string;
  readonly name: string;
  readonly repository: unknown;
  readonly vm: string;
}
