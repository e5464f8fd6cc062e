import type { DiskResult, ErrorOutput, RunEvent } from '../../src/schemas/types.ts';

/** Event streams as the engine gives them, for tests of the views and for a look by eye (`show-recorded.ts`). */
const runId = '20261121T013000-k3x9';
const t0 = Date.UTC(2026, 10, 21, 1, 30, 0);
const GiB = 2 ** 30;
const MiB = 2 ** 20;

const backupSteps = [
  ['preflight', 'hub.preflight', 'Check tools, repository and node'],
  ['inspect', 'node.inspect', "Ask the node for the VM's disks"],
  ['decide', 'chain.decide', 'Decide full or incremental'],
  ['ports', 'ports.allocate', 'Allocate NBD ports'],
  ['create', 'qcow2.create', 'Create qcow2 files'],
  ['serve', 'nbd.serve', 'Serve the files with qemu-nbd'],
  ['transfer', 'node.transfer', 'Copy the disks'],
  ['stop', 'nbd.stop', 'Stop qemu-nbd and flush'],
  ['seal', 'qcow2.seal', 'Check, compare and flush'],
  ['commit', 'backup.commit', 'Commit the restore point'],
  ['release', 'ports.release', 'Release the ports'],
].map(([id = '', uses = '', title = '']) => ({ id, uses, title }));

const outputs: Record<string, unknown> = {
  preflight: { repository_path: '/srv/repository', free_bytes: 812 * GiB, tools: [], node: null },
  inspect: { disks: [{ capacity_bytes: 2 * GiB }, { capacity_bytes: 1 * GiB }] },
  decide: { disks: [{ mode: 'incremental' }, { mode: 'full' }] },
  ports: { leases: [{ port: 10100 }, { port: 10101 }] },
  transfer: { disks: [{ bytes_transferred: 12 * MiB }, { bytes_transferred: 420 * MiB }] },
  seal: {
    disks: [
      { disk: 'disk-0', file_bytes: 13 * MiB },
      { disk: 'disk-1', file_bytes: 421 * MiB },
    ],
  },
  commit: { backup_id: 'pgtest1-20261121T013000Z' },
};

const disks: DiskResult[] = [
  {
    disk: 'disk-0',
    mode: 'incremental',
    reason: 'blocks whose digest differs from pgtest1-20261120T013000Z',
    bytes_total: 2 * GiB,
    bytes_transferred: 12 * MiB,
    change_id: 'sha256:aa',
    path: '/srv/repository/pgtest1/disk-0/pgtest1-20261121T013000Z.qcow2',
  },
  {
    disk: 'disk-1',
    mode: 'full',
    reason: 'the disk is new: no restore point of it exists',
    bytes_total: GiB,
    bytes_transferred: 420 * MiB,
    change_id: 'sha256:bb',
    path: '/srv/repository/pgtest1/disk-1/pgtest1-20261121T013000Z.qcow2',
  },
];

type Line = Omit<Extract<RunEvent, { type: 'run.started' }>, never>;

const started = (): Line => ({
  type: 'run.started',
  time: t0,
  run_id: runId,
  plan: 'pgtest1-nightly',
  kind: 'backup',
  vm: 'pgtest1',
  file: '/srv/plans/pgtest1-nightly.yaml',
  steps: backupSteps,
});

const begin = (step: string, time: number, attempt = 1): RunEvent => {
  const { uses = '', title = '' } = backupSteps.find(({ id }) => id === step) ?? {};
  return { type: 'step.started', time, run_id: runId, step, uses, title, attempt };
};

const end = (step: string, time: number, duration: number): RunEvent => ({
  type: 'step.succeeded',
  time,
  run_id: runId,
  step,
  duration_ms: duration,
  output: outputs[step] ?? {},
});

function transferProgress(from: number, steps: number): RunEvent[] {
  return Array.from({ length: steps }, (_, index) => ({
    type: 'step.progress',
    time: from + index * 500,
    run_id: runId,
    step: 'transfer',
    disks: [
      {
        disk: 'disk-0',
        phase: index < steps / 2 ? 'digesting' : 'copying',
        bytes_done:
          index < steps / 2 ? Math.floor((2 * GiB * 2 * index) / steps) : Math.floor(12 * MiB * (index / steps)),
        bytes_total: index < steps / 2 ? 2 * GiB : 12 * MiB,
        rate: 433 * MiB,
      },
      {
        disk: 'disk-1',
        phase: 'copying',
        bytes_done: Math.floor((420 * MiB * index) / steps),
        bytes_total: GiB,
        rate: 98 * MiB,
      },
    ],
  }));
}

/** The run up to the transfer, which has come to `progress` of 20 parts. */
function untilTransfer(progress: number): RunEvent[] {
  const before = backupSteps.slice(0, 6);
  return [
    started(),
    ...before.flatMap(({ id }, index) => [begin(id, t0 + index * 200), end(id, t0 + index * 200 + 150, 150)]),
    begin('transfer', t0 + 1300),
    ...transferProgress(t0 + 1300, 20).slice(0, progress),
  ];
}

export const succeededRun = (): RunEvent[] => [
  ...untilTransfer(20),
  end('transfer', t0 + 11_300, 10_000),
  ...backupSteps
    .slice(7)
    .flatMap(({ id }, index) => [begin(id, t0 + 11_400 + index * 300), end(id, t0 + 11_600 + index * 300, 200)]),
  {
    type: 'run.finished',
    time: t0 + 12_800,
    run_id: runId,
    plan: 'pgtest1-nightly',
    kind: 'backup',
    vm: 'pgtest1',
    status: 'succeeded',
    exit_code: 0,
    duration_ms: 12_800,
    backup_id: 'pgtest1-20261121T013000Z',
    error: null,
    undo_errors: [],
    warnings: [],
    disks,
  },
];

export const transferError = (file = '/srv/plans/pgtest1-nightly.yaml'): ErrorOutput => ({
  code: 'job.failed',
  message: 'disk-1: reading /srv/vm/disk1.qcow2 failed at byte 440401920: Input/output error',
  remedy: 'The message names disk and cause; the log of the job says more.',
  position: { file, line: 3, column: 7 },
});

const undo = (step: string, time: number): RunEvent[] => [
  { type: 'undo.started', time, run_id: runId, step },
  { type: 'undo.finished', time: time + 100, run_id: runId, step },
];

/** Fails in the transfer, after one retry of nbd.serve; everything is cleaned up unless told otherwise. */
export function failedRun(options: { readonly unclean?: boolean; readonly file?: string } = {}): RunEvent[] {
  const error = transferError(options.file);
  const unclean: ErrorOutput = {
    code: 'run.unclean',
    message: '/srv/repository/pgtest1/disk-0/x.qcow2 cannot be removed: Operation not permitted',
    remedy: 'Remove the cause, then `sendense-run recover`.',
    position: null,
  };
  return [
    ...untilTransfer(8),
    { type: 'step.log', time: t0 + 5000, run_id: runId, step: 'transfer', level: 'warning', message: 'disk-1 is slow' },
    {
      type: 'step.failed',
      time: t0 + 5200,
      run_id: runId,
      step: 'transfer',
      duration_ms: 3900,
      error,
      retry_in_ms: null,
    },
    ...backupSteps.slice(7).map(({ id }): RunEvent => ({
      type: 'step.skipped',
      time: t0 + 5200,
      run_id: runId,
      step: id,
      reason: 'success() is false',
    })),
    ...undo('transfer', t0 + 5300),
    ...undo('serve', t0 + 5500),
    ...(options.unclean
      ? ([
          { type: 'undo.started', time: t0 + 5700, run_id: runId, step: 'create' },
          { type: 'undo.failed', time: t0 + 5700, run_id: runId, step: 'create', error: unclean },
        ] satisfies RunEvent[])
      : undo('create', t0 + 5700)),
    ...undo('ports', t0 + 5900),
    {
      type: 'run.finished',
      time: t0 + 6000,
      run_id: runId,
      plan: 'pgtest1-nightly',
      kind: 'backup',
      vm: 'pgtest1',
      status: 'failed',
      exit_code: options.unclean ? 16 : 1,
      duration_ms: 6000,
      backup_id: null,
      error,
      undo_errors: options.unclean ? [unclean] : [],
      warnings: ['disk-1 is slow'],
      disks: [],
    },
  ];
}
