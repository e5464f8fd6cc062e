import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Tells the nodes apart that mark snapshots: a random id that the node's state folder keeps, this machine, and the folder that
 * holds the job's folder. Machines made from one image may share all but the first.
 */
export async function nodeIdOf(jobFolder: string): Promise<string> {
  const jobs = dirname(jobFolder);
  const machine = await readFile('/etc/machine-id', 'utf8').catch(() => hostname());
  const own = basename(jobs) === 'jobs' ? await ownId(join(dirname(jobs), 'node-id')) : '';
  return createHash('sha256').update(`${machine.trim()}\n${jobs}\n${own}`).digest('hex').slice(0, 16);
}

async function ownId(file: string): Promise<string> {
  await writeFile(file, `${randomUUID()}\n`, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}
