import type { Caller, CallerKind } from '../../api/caller.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { matchesVm } from '../../repository/match-vm.ts';
import { rightsOf, roleNames, type Role } from './rights.ts';

/** What a user or token may do. */
export interface Granted {
  readonly roles: readonly string[];
  /** Patterns; null: all VMs. */
  readonly vms: readonly string[] | null;
}

/** Roles that there are, each once. @throws SendenseError `usage` */
export function checkedGrant({ roles, vms }: Granted): Granted {
  if (roles.length === 0) throw badRole('the command names no role');
  for (const role of roles)
    if (!(roleNames as readonly string[]).includes(role)) throw badRole(`there is no role ${JSON.stringify(role)}`);
  if (vms && roles.includes('admin'))
    throw new SendenseError('usage', 'an admin cannot be limited to some VMs: admins manage users', {
      remedy: 'Leave out --vm, or give other roles.',
    });
  return { roles: [...new Set(roles)], vms };
}

const badRole = (why: string): SendenseError =>
  new SendenseError('usage', why, { remedy: `Name one with --role: ${roleNames.join(', ')}.` });

interface GrantedCaller {
  readonly kind: CallerKind;
  readonly name: string;
  /** When that was made, ms since the epoch: another one may have the name later. Null: nobody knows. */
  readonly made: number | null;
  isFresh(): boolean;
  /** What is granted by now; undefined: nobody would let it in any more. */
  grantedNow(): Granted | undefined;
}

/** What tells a user or a token from another one of the same name. */
const identityOf = (name: string, made: number | null): string => (made === null ? name : `${name} ${made}`);

/** The name and the time of an identity; null: it has no time. */
export function partsOfIdentity(identity: string): { readonly name: string; readonly made: number } | null {
  const [, name, made] = /^(.+) (\d{1,15})$/.exec(identity) ?? [];
  return name === undefined ? null : { name, made: Number(made) };
}

/** Who calls with what was granted. */
export const callerOfGrant = ({ kind, name, made, isFresh, grantedNow }: GrantedCaller, granted: Granted): Caller => ({
  kind,
  name,
  identity: identityOf(name, made),
  rights: rightsOf(granted.roles as readonly Role[]),
  granted,
  allVms: granted.vms === null,
  mayVm: (vm) => granted.vms === null || granted.vms.some((pattern) => matchesVm(vm, pattern)),
  isFresh,
  isCurrent: () => {
    const now = grantedNow();
    return now !== undefined && wordsOf(now) === wordsOf(granted);
  },
});

const wordsOf = ({ roles, vms }: Granted): string => JSON.stringify([roles, vms]);
