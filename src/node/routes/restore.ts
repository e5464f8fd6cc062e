import { within } from '../../host/system/within.ts';
import type {
  BackupStarted,
  RestoreChecked,
  RestoreCheckRequest,
  RestoreCompareRequest,
  RestoreFinished,
  RestoreFinishRequest,
  RestorePowered,
  RestorePowerRequest,
  RestoreStartRequest,
  RestoreUndone,
  RestoreUndoRequest,
} from '../../schemas/types.ts';
import { compareJob, restoreJob } from '../jobs/job-kinds.ts';
import { allowedTargets } from '../limits/allowed-targets.ts';
import { vsphereErrors } from './error-sets.ts';
import { hostRule } from './host-rule.ts';
import { defineRoute } from './route.ts';

// What speaks SOAP is loaded on first use: who reads images does not pay for it.

const started = { description: 'The job runs; follow it with `status`.', schema: 'node/backup-started.json' };
/** A saved configuration may hold NVRAM. */
const withConfigBytes = 8 * 1024 * 1024;
const smallBytes = 256 * 1024;

export const checkRestore = defineRoute<RestoreCheckRequest>({
  id: 'checkRestore',
  method: 'POST',
  path: '/api/v1/restore/check',
  tag: 'restore',
  summary: 'What a new VM would be, and what speaks against it',
  description:
    'Looks for the place, the space, the networks, the privileges, the hardware version, the name and the disk library. Makes ' +
    'nothing. Says what a restore that was not finished has left under the name.',
  body: { schema: 'node/restore-check.json', bytes: withConfigBytes },
  answers: { 200: { description: 'Nothing speaks against it.', schema: 'node/restore-checked.json' } },
  errors: ['target.unfit', 'transport.unavailable', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<RestoreChecked> =>
    (await import('../restores/check-restore.ts')).checkRestore(body, node.refused, signal),
});

export const startRestore = defineRoute<RestoreStartRequest>({
  id: 'startRestore',
  method: 'POST',
  path: '/api/v1/restore/start',
  tag: 'restore',
  summary: 'Makes a VM and writes its disks',
  description:
    'The VM is marked as unfinished in its notes, and stays so until `restore/finish`. With `takes_over` the job goes on with ' +
    'the VM of an earlier run: disks that are copied whole are not copied again. The same request twice is one job as long as ' +
    'it lives.',
  body: { schema: 'node/restore-start.json', bytes: withConfigBytes },
  answers: { 202: started },
  errors: ['node.busy', 'job.failed', 'disk.full'],
  logOf: ({ job_id: id }) => ({ job_id: id }),
  handle: async (call): Promise<BackupStarted> => {
    const { parts: node, body, answer } = call;
    const sources = await allowedTargets(body.nbd_sources, hostRule(call), 'nbd_sources');
    answer.status(202);
    return node.jobs.start(restoreJob, { ...body, nbd_sources: sources });
  },
});

export const compareRestore = defineRoute<RestoreCompareRequest>({
  id: 'compareRestore',
  method: 'POST',
  path: '/api/v1/restore/compare',
  tag: 'restore',
  summary: 'Reads the disks of an unfinished VM and compares them',
  description:
    'With block indexes that were sent before (`PUT /api/v1/indexes/{sha256}`). The job fails with `content.mismatch` where a ' +
    'block differs.',
  body: { schema: 'node/restore-compare.json', bytes: smallBytes },
  answers: { 202: started },
  errors: ['node.busy', 'job.failed', 'disk.full'],
  logOf: ({ job_id: id }) => ({ job_id: id }),
  handle: async ({ parts: node, body, answer }): Promise<BackupStarted> => {
    answer.status(202);
    return node.jobs.start(compareJob, body);
  },
});

export const finishRestore = defineRoute<RestoreFinishRequest>({
  id: 'finishRestore',
  method: 'POST',
  path: '/api/v1/restore/finish',
  tag: 'restore',
  summary: 'The last step: takes the mark away',
  description:
    'From then on the VM is not removed by an undo. With `power_on` it is started; that it does not start is a warning. May be ' +
    'asked twice: where vSphere has not answered an earlier start, that is a warning within seconds. `look` waits for no start.',
  body: { schema: 'node/restore-finish.json', bytes: smallBytes },
  answers: { 200: { description: 'How the VM is now.', schema: 'node/restore-finished.json' } },
  errors: ['target.unfit', ...vsphereErrors],
  patient: true,
  async handle({ parts: { unbroken, refused }, body, signal }): Promise<RestoreFinished> {
    const { finishRestore: finish } = await import('../restores/end-restore.ts');
    const { assertStartOver, finishAndStart } = await import('../restores/finish-and-start.ts');
    return finishAndStart(body, { unbroken, refused, signal }, async (whole) => {
      // A VM that is marked again can be removed, so it must not be on its way up.
      if (body.action === 'reopen') await assertStartOver(unbroken, body.run, whole);
      return finish(body, refused, whole);
    });
  },
});

export const powerRestore = defineRoute<RestorePowerRequest>({
  id: 'powerRestore',
  method: 'POST',
  path: '/api/v1/restore/power',
  tag: 'restore',
  summary: 'Starts a restored VM, waits until it is up, or stops it',
  description:
    'Only a VM that the run has restored to its end. A VM that asks something while it starts is told to give up: the answer has ' +
    'the question. `start` fails with `vsphere.busy` where vSphere has not answered after `wait_seconds`, and goes on. `wait` answers when VMware Tools run, when the VM is not on, when it asks something, or after ' +
    '`wait_seconds`; it fails with `vsphere.busy` while vSphere does not answer an earlier start. May be asked twice.',
  body: { schema: 'node/restore-power.json', bytes: smallBytes },
  answers: { 200: { description: 'How the VM is now.', schema: 'node/restore-powered.json' } },
  errors: vsphereErrors,
  patient: true,
  async handle({ parts: node, body, signal }): Promise<RestorePowered> {
    const { powerRestored } = await import('../restores/power.ts');
    const { assertStartOver, startOf } = await import('../restores/finish-and-start.ts');
    if (body.action === 'wait') {
      // Behind a start that goes on though its caller is gone: else the VM would come on when this has said that it is off.
      await assertStartOver(node.unbroken, body.run, signal);
      return powerRestored(body, node.refused, signal);
    }
    const acting = node.unbroken.act(startOf(body.run), signal, (whole) => powerRestored(body, node.refused, whole));
    if (body.action === 'stop' || body.wait_seconds === 0) return acting;
    // It goes on.
    acting.catch(() => undefined);
    const powered = await within(acting, body.wait_seconds * 1000);
    if (powered === null) throw (await import('../vsphere/vm-power.ts')).startInDoubt();
    return powered;
  },
});

export const undoRestore = defineRoute<RestoreUndoRequest>({
  id: 'undoRestore',
  method: 'POST',
  path: '/api/v1/restore/undo',
  tag: 'restore',
  summary: 'Removes the VM of a restore that was not finished',
  description:
    'Only what bears the mark of the run, is off, and has no disks of other VMs. With `keep_copied` a VM stays that has a disk ' +
    'which is copied whole: the next run goes on with it. What somebody has used since loses its mark, and stays.',
  body: { schema: 'node/restore-undo.json', bytes: smallBytes },
  answers: { 200: { description: 'What was removed, and what stays.', schema: 'node/restore-undone.json' } },
  errors: ['node.busy', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<RestoreUndone> => {
    for (const id of body.jobs) await node.jobs.assertEnded(id);
    return node.unbroken.act(body.run, signal, async (whole) =>
      (await import('../restores/end-restore.ts')).undoRestore(body, node.refused, whole),
    );
  },
});
