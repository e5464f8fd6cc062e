/**
 * How the caller of a request is known: by the token or a ticket of an API that knows no users; at the hub by a token in a file, a
 * token that `sendense-run token` made, a session, or what a trusted proxy says. `nobody`: by nothing, on a route that is public.
 */
export type CallerKind = 'token' | 'ticket' | 'nobody' | 'file-token' | 'api-token' | 'session' | 'proxy';

/** Who calls, and what it may do. */
export interface Caller {
  readonly kind: CallerKind;
  /** Of the user or token; fit for a line of a log. */
  readonly name: string;
  /** Tells it from all others, also from one of the same name before or after it. */
  readonly identity: string;
  /** What it may do: names that the routes' `right` has. */
  readonly rights: ReadonlySet<string>;
  /** False: its rights hold for some VMs only. Then it is let in only where a route says what it does about that (`vms`). */
  readonly allVms: boolean;
  /** Whether its rights hold for a VM of this name. A VM for which they do not is answered as one that there is not. */
  mayVm(name: string): boolean;
  /** What its rights come from, where that was granted; absent: it may do what its kind may. */
  readonly granted?: { readonly roles: readonly string[]; readonly vms: readonly string[] | null };
  /** It has shown lately that it is who it says, for what destroys. Tokens always have, and users of a proxy: nobody can ask them. */
  isFresh(): boolean;
  /** Whether it would be let in now, with the same rights. It counts as a use: asked while an answer goes on. */
  isCurrent(): boolean;
}

/** A caller whose rights hold for all VMs. */
export const callerWith = (kind: CallerKind, name: string, rights: ReadonlySet<string> = new Set()): Caller => ({
  kind,
  name,
  identity: name,
  rights,
  allVms: true,
  mayVm: () => true,
  isFresh: () => true,
  isCurrent: () => true,
});

/** Whoever calls what is public. */
export const nobody: Caller = { ...callerWith('nobody', ''), allVms: false, mayVm: () => false, isFresh: () => false };
