import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import type { JobList, JobStatus } from '../../schemas/types.ts';
import type { AnswerHead } from '../../api/route.ts';
import { defineRoute, type Call } from './route.ts';

const job = { job: { description: 'Id of the job.', schema: 'domain.json#/$defs/jobId', logAs: 'job_id' } };
const idOf = ({ params }: Call): string => params['job'] ?? '';
const unknown = ['job.unknown'] as const;

export const listJobs = defineRoute({
  id: 'listJobs',
  method: 'GET',
  path: '/api/v1/jobs',
  tag: 'jobs',
  summary: 'All jobs on this node',
  answers: { 200: { description: 'Running and ended ones.', schema: 'node/jobs.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts: node }): Promise<JobList> => {
    const jobs = await node.jobs.list();
    for (const each of jobs) node.metrics.job(each);
    return { jobs };
  },
});

export const jobStatus = defineRoute({
  id: 'jobStatus',
  method: 'GET',
  path: '/api/v1/status/{job}',
  tag: 'jobs',
  summary: 'How far a job is',
  description: 'Asking renews the lease of a job that has one (`lease_seconds`).',
  params: job,
  answers: { 200: { description: 'Per disk phase, bytes and rate.', schema: 'domain.json#/$defs/jobStatus' } },
  errors: unknown,
  quiet: true,
  handle: async (call): Promise<JobStatus> => {
    await call.parts.jobs.asked(idOf(call));
    const status = await call.parts.jobs.status(idOf(call));
    call.parts.metrics.job(status);
    return status;
  },
});

export const cancelJob = defineRoute({
  id: 'cancelJob',
  method: 'POST',
  path: '/api/v1/jobs/{job}/cancel',
  tag: 'jobs',
  summary: 'Asks a job to end',
  description: 'Does not wait; nothing happens where it has ended.',
  params: job,
  answers: { 202: { description: 'It was asked.', type: 'application/json' } },
  errors: unknown,
  handle: async (call) => {
    await call.parts.jobs.cancel(idOf(call));
    return {};
  },
});

export const jobLog = defineRoute({
  id: 'jobLog',
  method: 'GET',
  path: '/api/v1/jobs/{job}/log',
  tag: 'jobs',
  summary: 'The log of a job',
  params: job,
  answers: { 200: { description: 'JSON lines.', type: 'application/x-ndjson' } },
  errors: unknown,
  handle: async (call) => {
    const { log } = await call.parts.jobs.folder(idOf(call));
    return (await exists(log)) ? createReadStream(log) : '';
  },
});

export const jobVmConfig = defineRoute({
  id: 'jobVmConfig',
  method: 'GET',
  path: '/api/v1/jobs/{job}/vm-config',
  tag: 'jobs',
  summary: "The configuration of a job's VM",
  description: '404 where the source has none.',
  params: job,
  answers: { 200: { description: 'What is needed to make the VM again.', schema: 'vm-config.json' } },
  errors: unknown,
  handle: async (call) => {
    const file = (await call.parts.jobs.folder(idOf(call))).vmConfig;
    if (!(await exists(file))) throw new SendenseError('job.unknown', `job ${idOf(call)} has no VM configuration`);
    return streamOf(file, call.answer);
  },
});

export const jobIndex = defineRoute({
  id: 'jobIndex',
  method: 'GET',
  path: '/api/v1/jobs/{job}/indexes/{key}',
  tag: 'jobs',
  summary: 'The new block index of a disk',
  description: 'Of a disk whose phase is `done`.',
  params: { ...job, key: { description: 'Key of the disk.', schema: 'domain.json#/$defs/diskKey' } },
  answers: { 200: { description: 'The index, `docs/block-index.md`.', type: 'application/octet-stream' } },
  errors: unknown,
  handle: async (call) => {
    const [id, key] = [idOf(call), call.params['key'] ?? ''];
    const [status, folder] = await Promise.all([call.parts.jobs.status(id), call.parts.jobs.folder(id)]);
    const disk = status.disks.find((candidate) => candidate.key === key);
    if (disk?.phase !== 'done') throw new SendenseError('job.unknown', `job ${id} has no finished disk ${key}`);
    return streamOf(folder.index(key), call.answer);
  },
});

export const removeJob = defineRoute({
  id: 'removeJob',
  method: 'DELETE',
  path: '/api/v1/jobs/{job}',
  tag: 'jobs',
  summary: 'Stops a job and removes all it left',
  params: job,
  answers: {
    204: { description: 'It is gone, and left nothing behind.' },
    200: {
      description:
        'It is gone. Its last status says what it left at the source, or not even that (`left_behind` is absent).',
      schema: 'domain.json#/$defs/jobStatus',
    },
    202: { description: 'It is still removing its snapshot, and goes when that is done.', type: 'application/json' },
  },
  errors: unknown,
  handle: async (call) => {
    const { jobs, metrics } = call.parts;
    const id = idOf(call);
    const last = await jobs.status(id).catch(() => null);
    if (last) metrics.job(last);
    // Waits for a start that is under way: what is not there yet must not come to be after this answer.
    const { gone, last: ended } = await jobs.remove(id);
    const clean = ended?.left_behind?.length === 0 || ended?.status === 'succeeded';
    // Of number-like keys JavaScript puts the least first, so a status is always said.
    call.answer.status(gone ? (clean || !ended ? 204 : 200) : 202);
    return gone ? (clean || !ended ? undefined : ended) : {};
  },
});

async function streamOf(file: string, answer: AnswerHead): Promise<Readable> {
  answer.header('content-length', (await stat(file)).size);
  return createReadStream(file);
}
