import { createHash } from 'node:crypto';
import type { Manifest } from '../../src/schemas/types.ts';
import type { State } from '../../src/state/database/open-state.ts';
import { insertRestorePoint } from '../../src/state/points/restore-points.ts';

export interface Amount {
  readonly vms: number;
  /** Of each VM. */
  readonly points: number;
  /** Of each VM; some failed. */
  readonly runs: number;
  /** When the newest ended, milliseconds since the epoch. */
  readonly until: number;
}

const day = 86_400_000;
const chain = 30;
const stepsOfBackup = [
  'hub.preflight',
  'node.inspect',
  'chain.decide',
  'ports.allocate',
  'qcow2.create',
  'nbd.serve',
  'node.transfer',
  'nbd.stop',
  'qcow2.seal',
  'backup.commit',
  'points.prune',
  'ports.release',
] as const;

/** Fills a database as months of nightly backups of many VMs would: restore points of two disks, runs with their steps. */
export function fillState(state: State, amount: Amount): void {
  for (let vm = 0; vm < amount.vms; vm++)
    state.transaction(() => {
      for (let number = 0; number < amount.points; number++)
        insertRestorePoint(state, 'primary', manifestOf(vm, number, amount));
      for (let number = 0; number < amount.runs; number++) insertRun(state, vm, number, amount);
    });
}

const nameOf = (vm: number): string => `vm${String(vm).padStart(4, '0')}`;
const timeOf = (vm: number, number: number, count: number, until: number): number =>
  until - (count - number) * day + vm * 60_000;
const idOf = (vm: number, number: number, amount: Amount): string =>
  `${new Date(timeOf(vm, number, amount.points, amount.until))
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '')}-${vm.toString(16).padStart(6, '0')}`;
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function manifestOf(vm: number, number: number, amount: Amount): Manifest {
  const name = nameOf(vm);
  const id = idOf(vm, number, amount);
  const full = number % chain === 0;
  const parent = full ? null : idOf(vm, number - 1, amount);
  const created = new Date(timeOf(vm, number, amount.points, amount.until)).toISOString();
  return {
    format: 'sendense-restore-point/1',
    backup_id: id,
    vm: { name, context: name },
    kind: full ? 'full' : 'incremental',
    plan: `${name}-nightly`,
    run_id: id,
    parent,
    started: created,
    created,
    producer: { name: 'sendense', version: '0.1.0', qemu: '7.2.0' },
    disks: [0, 1].map((disk) => ({
      number: disk,
      key: String(2000 + disk),
      uuid: `6000C29${disk}-${name}`,
      label: `Hard disk ${disk + 1}`,
      source_path: `[datastore1] ${name}/${name}_${disk}.vmdk`,
      source_format: 'vmdk',
      capacity_bytes: 100 * 1024 ** 3,
      mode: full ? ('full' as const) : ('incremental' as const),
      method: full ? ('full' as const) : ('areas' as const),
      reason: full ? 'the chain has 30 restore points' : `changed since ${parent}`,
      parent,
      path: `disk-${disk}/${id}.qcow2`,
      file_bytes: full ? 40 * 1024 ** 3 : 2 * 1024 ** 3,
      file_mtime_ns: '1763690000000000000',
      digest: `sha256:${digest(`${id}${disk}`)}`,
      change_id: `52 3c ec 11 9e 2c 4c 3d-87 4a 74 06 a5 fe b5 a${disk}/${number}`,
      bytes_transferred: 2 * 1024 ** 3,
      index: { path: `disk-${disk}/${id}.index`, bytes: 52_428_800, sha256: digest(`${id}index${disk}`) },
    })) as unknown as Manifest['disks'],
    removed_disks: [],
    warnings: [],
    checksum: `sha256:${digest(id)}`,
  };
}

export function insertRun(state: State, vm: number, number: number, amount: Amount): void {
  const name = nameOf(vm);
  const started = timeOf(vm, number, amount.runs, amount.until);
  const id = `${new Date(started).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${digest(`${vm} ${number}`).slice(0, 6)}`;
  const failed = (number + vm) % 17 === 0;
  const disks = [0, 1].map((disk) => ({
    disk: `disk-${disk}`,
    mode: 'incremental',
    reason: 'changed since the restore point before',
    bytes_total: 100 * 1024 ** 3,
    bytes_transferred: 2 * 1024 ** 3,
    change_id: `52 3c ec 11 9e 2c 4c 3d-87 4a 74 06 a5 fe b5 a${disk}/${number}`,
    path: `/srv/sendense/${name}/disk-${disk}/${id}.qcow2`,
  }));
  const error = {
    code: 'node.unreachable',
    message: `node site-b does not answer`,
    remedy: 'Start it.',
    position: null,
  };
  state.run(
    state.query.insertInto('runs').values({
      id,
      plan: `${name}-nightly`,
      kind: 'backup',
      vm: name,
      plan_file: `/etc/sendense/plans/${name}-nightly.yaml`,
      plan_folder: '/etc/sendense/plans',
      status: failed ? 'failed' : 'succeeded',
      unclean: 0,
      published: Number(!failed),
      exit_code: failed ? 75 : 0,
      result: JSON.stringify(failed ? { backup_id: null, disks: [] } : { backup_id: id, disks }),
      error: failed ? JSON.stringify(error) : null,
      warnings: '[]',
      owner_pid: 4242,
      owner_start_time: '123456',
      owner_boot_id: '0c4ff0b0-0000-4000-8000-000000000000',
      started,
      finished: started + 600_000,
      trigger: 'schedule',
      slot: started,
      node: 'site-b',
      repository: 'primary',
    }),
  );
  const steps = failed ? stepsOfBackup.slice(0, 2) : stepsOfBackup;
  for (const [at, uses] of steps.entries()) {
    const key = { run_id: id, step_id: uses.split('.')[1] ?? uses };
    const ended = failed && at === 1 ? ('failed' as const) : ('succeeded' as const);
    state.run(
      state.query.insertInto('steps').values({
        ...key,
        number: at,
        uses,
        state: ended,
        attempt: 1,
        claim: JSON.stringify({ repository: 'primary', context: name, files: disks.map(({ path }) => path) }),
        output: ended === 'failed' ? null : JSON.stringify({ disks }),
        error: ended === 'failed' ? JSON.stringify(error) : null,
        undo_error: null,
        started: started + at * 1000,
        updated: started + at * 1000 + 900,
      }),
    );
    for (const event of ['started', ended] as const)
      state.run(
        state.query
          .insertInto('step_events')
          .values({ ...key, event, attempt: 1, time: started + at * 1000 + (event === 'started' ? 0 : 900) }),
      );
  }
}
