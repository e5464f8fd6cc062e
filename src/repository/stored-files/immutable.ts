import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../../host/files/files.ts';
import { immutableFiles, setImmutable } from '../../host/files/file-flags.ts';

/**
 * Takes the immutable flag from those of these files (absolute paths) that have it, also where the repository does not
 * ask for it any more. Call it before a committed file is removed, renamed or replaced, and {@link set} with the answer
 * afterwards. What a kill in between leaves without the flag gets it back at the VM's next backup.
 * @returns those that had it
 * @throws SendenseError `tool.failed` where this user may not do it
 */
export async function lift(paths: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const locked = [...(await immutableFiles(paths, signal))];
  await setImmutable(locked, false, signal);
  return locked;
}

/** Gives the flag to those of these files (absolute paths) that are there. @throws SendenseError `tool.failed` */
export async function set(paths: readonly string[], signal?: AbortSignal): Promise<void> {
  const there: string[] = [];
  for (const path of paths) if (await exists(path)) there.push(path);
  await setImmutable(there, true, signal);
}

/**
 * Whether files in this folder can be made immutable, tried with a file of its own; null: they can, else why not.
 */
export async function whyNotImmutable(folder: string, signal?: AbortSignal): Promise<string | null> {
  const probe = join(folder, `.${randomUUID()}.sendense-part`);
  try {
    await writeFile(probe, '', { flag: 'wx', mode: 0o600 });
    await setImmutable([probe], true, signal);
    return (await immutableFiles([probe], signal)).has(probe) ? null : 'the flag does not stay';
  } catch (error) {
    signal?.throwIfAborted();
    return (error as Error).message;
  } finally {
    await setImmutable([probe], false).catch(() => undefined);
    await rm(probe, { force: true });
  }
}
