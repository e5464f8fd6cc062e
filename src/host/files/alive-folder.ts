import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from './files.ts';
import { holdFolder, isHeld } from './held-folder.ts';
import { pidNamespace } from '../programs/process-identity.ts';

/** A process of any pid namespace of this machine, by its number there. */
export interface NamedProcess {
  readonly pid: number;
  readonly namespace: string;
}

const folderOf = (parent: string, { pid, namespace }: NamedProcess): string => join(parent, `${pid}.${namespace}`);
const own = (): NamedProcess => ({ pid: process.pid, namespace: pidNamespace() });

/** What this process shows, and how many ask for it. */
const shown = new Map<string, { users: number; readonly holding: Promise<AsyncDisposable | null> }>();

/**
 * Shows to processes of other pid namespaces (containers) that see the same folder that this process lives, until all that asked for it have
 * disposed of it. Where it cannot be shown, nobody else can tell; nothing fails for that.
 */
export async function showAlive(parent: string): Promise<AsyncDisposable> {
  const folder = folderOf(parent, own());
  const entry = shown.get(folder) ?? { users: 0, holding: hold(folder).catch(() => null) };
  shown.set(folder, entry);
  entry.users++;
  await entry.holding;
  return {
    [Symbol.asyncDispose]: async () => {
      if (--entry.users > 0) return;
      shown.delete(folder);
      await (await entry.holding)?.[Symbol.asyncDispose]();
      await forgetShown(parent, own());
    },
  };
}

async function hold(folder: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return holdFolder(folder);
}

/** Whether a process that showed itself has ended; null: it has not shown itself, and may live. */
export async function hasEnded(parent: string, named: NamedProcess): Promise<boolean | null> {
  const folder = folderOf(parent, named);
  return (await exists(join(folder, 'held.sock'))) ? !(await isHeld(folder)) : null;
}

/** Removes what a process has shown that has ended. */
export async function forgetShown(parent: string, named: NamedProcess): Promise<void> {
  const folder = folderOf(parent, named);
  if (shown.has(folder)) return;
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  await rmdir(dirname(folder)).catch(() => undefined);
}
