import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { argvOf, identityOf, terminate } from '../host/process-identity.ts';
import type { ProcessIdentity } from '../schemas/types.ts';

const ours: readonly string[] = ['qemu-nbd', 'nbdkit', 'nbdcopy'];

/**
 * Stops the data movers of a job whose client is dead: those whose command line names a file in one of the job's folders.
 * The folders bear the job's id, so nothing else can match; also finds a qemu-nbd that has not written its pid file yet.
 * @returns how many there were
 */
export async function stopStrays(folders: readonly string[]): Promise<number> {
  const found = await strays(folders);
  await Promise.all(found.map((identity) => terminate(identity, { graceMs: 3000 })));
  return found.length;
}

async function strays(folders: readonly string[]): Promise<ProcessIdentity[]> {
  // In a path, or percent-encoded in an NBD URI.
  const marks = folders.flatMap((folder) => [`${folder}/`, encodeURIComponent(`${folder}/`)]);
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    const identity = identityOf(Number(name));
    const [program = '', ...args] = argvOf(Number(name));
    if (identity && ours.includes(basename(program)) && args.some((arg) => marks.some((mark) => arg.includes(mark))))
      found.push(identity);
  }
  return found;
}
