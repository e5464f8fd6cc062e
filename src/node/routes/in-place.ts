import type {
  BackupStarted,
  InPlaceChecked,
  InPlaceCheckRequest,
  InPlaceEnded,
  InPlaceEndRequest,
  InPlaceStartRequest,
} from '../../schemas/types.ts';
import { inPlaceJob } from '../jobs/job-kinds.ts';
import { allowedTargets } from '../limits/allowed-targets.ts';
import { vsphereErrors } from './error-sets.ts';
import { hostRule } from './host-rule.ts';
import { defineRoute } from './route.ts';

// What speaks SOAP is loaded on first use: who reads images does not pay for it.

const bytes = 1024 * 1024;

export const checkInPlace = defineRoute<InPlaceCheckRequest>({
  id: 'checkInPlace',
  method: 'POST',
  path: '/api/v1/restore/in-place/check',
  tag: 'restore',
  summary: 'What speaks against writing a restore point to the disks of its VM',
  description:
    'Looks for the VM, its state, its snapshots, its disks, the privileges and the disk library. Changes nothing. Says what a ' +
    'restore in place that was not finished has left.',
  body: { schema: 'node/in-place-check.json', bytes },
  answers: { 200: { description: 'Nothing speaks against it.', schema: 'node/in-place-checked.json' } },
  errors: ['source.missing', 'target.unfit', 'transport.unavailable', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<InPlaceChecked> =>
    (await import('../restores/in-place.ts')).checkInPlace(body, node.refused, signal),
});

export const startInPlace = defineRoute<InPlaceStartRequest>({
  id: 'startInPlace',
  method: 'POST',
  path: '/api/v1/restore/in-place/start',
  tag: 'restore',
  summary: 'Writes to the disks of a VM what differs from a restore point',
  description:
    'The VM is marked in its configuration and its notes from before the first byte until `restore/in-place/end`. What was ' +
    'written is read again and compared. The job may be started again after whatever has happened. The same request twice is ' +
    'one job as long as it lives.',
  body: { schema: 'node/in-place-start.json', bytes },
  answers: {
    202: { description: 'The job runs; follow it with `status`.', schema: 'node/backup-started.json' },
  },
  errors: ['node.busy', 'job.failed', 'disk.full'],
  logOf: ({ job_id: id }) => ({ job_id: id }),
  handle: async (call): Promise<BackupStarted> => {
    const { parts: node, body, answer } = call;
    const sources = await allowedTargets(body.nbd_sources, hostRule(call), 'nbd_sources');
    answer.status(202);
    return node.jobs.start(inPlaceJob, { ...body, nbd_sources: sources });
  },
});

export const endInPlace = defineRoute<InPlaceEndRequest>({
  id: 'endInPlace',
  method: 'POST',
  path: '/api/v1/restore/in-place/end',
  tag: 'restore',
  summary: 'The last step of a restore in place: takes the mark away',
  description:
    'With `finish` the disks are whole. With `release` the mark goes only if nothing was written. `look` changes nothing, ' +
    'and waits for no start. May be asked twice.',
  body: { schema: 'node/in-place-end.json', bytes },
  answers: { 200: { description: 'How the VM is now.', schema: 'node/in-place-ended.json' } },
  errors: ['node.busy', 'target.unfit', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<InPlaceEnded> => {
    const { unbroken, refused } = node;
    for (const id of body.jobs) await node.jobs.assertEnded(id);
    const { endInPlace: end } = await import('../restores/in-place.ts');
    const { finishAndStart } = await import('../restores/finish-and-start.ts');
    return finishAndStart(body, { unbroken, refused, signal }, (whole) => end(body, refused, whole));
  },
});
