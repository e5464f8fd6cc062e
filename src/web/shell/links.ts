import { may } from '../client/session.ts';
import { screenAt } from './screens.ts';

/** What a link leads to. */
export type Linked = 'vm' | 'run' | 'plan' | 'node' | 'repository';

interface Link {
  /** `VM`; before the name. */
  readonly what: string;
  /** Null where `what` says enough. */
  readonly name: string | null;
  readonly to: string;
}

const paths: Readonly<Record<Linked, { readonly what: string; readonly at: string; readonly named: boolean }>> = {
  vm: { what: 'VM', at: '/vms/', named: true },
  run: { what: 'Its run', at: '/runs/', named: false },
  plan: { what: 'Plan', at: '/plans/', named: true },
  node: { what: 'Node', at: '/nodes/', named: true },
  repository: { what: 'Repository', at: '/repositories/', named: true },
};

/** The address of something; null where there is no screen for it, or the reader may not see it. */
export function linkTo(kind: Linked, name: string): Link | null {
  const { what, at, named } = paths[kind];
  const to = `${at}${encodeURIComponent(name)}`;
  const found = screenAt(to);
  return found && may(found.screen.right) ? { what, name: named ? name : null, to } : null;
}

/** The address of the files of a restore point; null where there is no screen for it, or the reader may not see it. */
export function linkToFiles(vm: string, point: string): string | null {
  const to = `/files/${encodeURIComponent(vm)}`;
  const found = screenAt(to);
  return found && may(found.screen.right) ? `${to}?point=${encodeURIComponent(point)}` : null;
}
