import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { listLeases } from '../../src/state/runs/port-leases.ts';
import { listRuns } from '../../src/state/runs/runs.ts';
import { listLocks } from '../../src/state/runs/locks.ts';
import { points } from '../../src/state/points/restore-points.ts';
import { isRunning } from '../../src/host/programs/process-identity.ts';
import { processesNaming } from '../support/processes.ts';

/**
 * Everything that a run could leave behind in a workspace, in words; empty when there is nothing: open runs, leases, locks,
 * processes, mounts, sockets, jobs of the node, and files that belong to no restore point.
 */
export function leftovers(folder: string): string[] {
  using state = openState(join(folder, 'state/sendense.db'), { readOnly: true });
  const found: string[] = [];
  for (const run of listRuns(state, { open: true })) found.push(`run ${run.id} ${run.status}`);
  for (const lease of listLeases(state)) found.push(`lease of port ${lease.port}`);
  for (const lock of listLocks(state, isRunning)) found.push(`lock ${lock.name}`);
  for (const run of listRuns(state)) if (existsSync(runFolderOf(run.id))) found.push(`folder ${runFolderOf(run.id)}`);
  found.push(...programsNaming(folder).map((argv) => `process ${argv}`));
  for (const mount of readFileSync('/proc/mounts', 'utf8').split('\n'))
    if (mount.includes(folder)) found.push(`mount ${mount}`);
  for (const job of list(join(folder, 'state/node/jobs'))) {
    const inside = list(join(folder, 'state/node/jobs', job))
      .sort()
      .join(' ');
    found.push(`job ${job}: ${inside}`);
  }
  found.push(...strangers(folder, points(state)));
  return found;
}

/** Programs of a backup, and no editor or shell that happens to be in the folder. */
const programsNaming = (text: string): string[] =>
  processesNaming(text).filter((argv) => /qemu|nbd|sendense/.test(argv));

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function strangers(folder: string, known: ReturnType<typeof points>): string[] {
  const root = join(folder, 'repository');
  const owned = new Set(['sendense-repository.json']);
  for (const point of known) {
    const { context } = point.vm;
    owned
      .add(context)
      .add(join(context, `${point.backup_id}.json`))
      .add(join(context, `${point.backup_id}.marks`));
    for (const disk of point.disks)
      for (const file of [disk.path, disk.index.path]) owned.add(join(context, file)).add(join(context, file, '..'));
    if (point.vm_config) owned.add(join(context, point.vm_config.path));
  }
  const there = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : [];
  const names = there
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  // Copies of the state database are made after runs of all kinds.
  const isCopy = (name: string): boolean =>
    /^\.sendense\/state-[0-9]{8}-v[0-9]+-[0-9a-f]{8}\.db(\.sha256)?$/.test(name);
  // Who had the lock of a VM before stays known; a folder beside that means that somebody has it.
  const isLockRecord = (name: string): boolean => /^\.sendense\/locks\/(\.marks\/)?[^/.]+\/[0-9]{12}\.json$/.test(name);
  // Whoever is killed while it takes a lock leaves a folder that no record names. The next one to take it after five minutes removes it.
  const records = names.filter(isLockRecord).map((name) => readFileSync(join(root, name), 'utf8'));
  const isCutOff = (name: string): boolean => {
    const work = /^\.sendense\/locks\/(?:\.marks\/)?[^/.]+\/(work-[0-9a-f-]{36})\/(?:alive|record)$/.exec(name)?.[1];
    return work !== undefined && !records.some((record) => record.includes(work));
  };
  const missing = [...owned].filter(
    (name) => /\.(json|qcow2|index)$/.test(name) && known.length > 0 && !names.includes(name),
  );
  return [
    ...names
      .filter((name) => !owned.has(name) && !isCopy(name) && !isLockRecord(name) && !isCutOff(name))
      .map((name) => `file ${name}`),
    ...missing.map((name) => `missing ${name}`),
  ];
}
