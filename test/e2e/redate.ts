import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeManifest } from '../repository/fixture-files.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import type { Workspace } from './workspace.ts';

/** Backup ids of a VM, oldest first. */
export async function pointsOf(bench: Workspace, vm: string): Promise<string[]> {
  const names = await readdir(bench.path('repository', vm));
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** Gives restore points of a VM the times of `times`, oldest first, as if they had been made then. */
export async function redate(bench: Workspace, vm: string, times: readonly string[]): Promise<string[]> {
  const ids = await pointsOf(bench, vm);
  for (const [at, id] of ids.entries()) {
    const path = join(bench.path('repository', vm), `${id}.json`);
    const { checksum: _checksum, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    await rm(path);
    const created = new Date(times[at] ?? '').toISOString();
    await writeManifest(path, { ...manifest, created, started: created });
  }
  const imported = await bench.call(['repo', 'import', 'primary']);
  if (imported.exitCode !== 0) throw new Error(imported.stderr);
  return ids;
}
