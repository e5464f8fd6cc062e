import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessIdentity } from '../../src/schemas/types.ts';
import { identityOf } from '../../src/host/programs/process-identity.ts';

export interface Descendant {
  readonly identity: ProcessIdentity;
  /** The first 15 bytes of the program's name, as the kernel keeps them. */
  readonly name: string;
}

/** All processes that a process has started, and theirs. */
export function descendantsOf(pid: number): Descendant[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const parent = parentOf(Number(name));
    if (parent !== null) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const below = (one: number): number[] => (parents.get(one) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid).flatMap((one) => {
    const identity = identityOf(one);
    const name = nameOf(one);
    return identity && name !== null ? [{ identity, name }] : [];
  });
}

function parentOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function nameOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
}
