import type { Readable } from 'node:stream';
import { indexFormats } from '../../blocks/block-index-format.ts';
import type { BackupStarted, BackupStartRequest, IndexFormats } from '../../schemas/types.ts';
import { checkReplicate, checkStart } from '../jobs/check-start.ts';
import { backupJob } from '../jobs/job-kinds.ts';
import { allowedTargets } from '../limits/allowed-targets.ts';
import { assertNotOwn } from '../limits/own-files.ts';
import { sourceOf } from '../sources/request-source.ts';
import { hostRule } from './host-rule.ts';
import { defineRoute, type Call } from './route.ts';

const startBody = { schema: 'node/backup-start.json', bytes: 1024 * 1024 };
const logOf = (body: BackupStartRequest): Record<string, string> => ({ job_id: body.job_id });
const started = { description: 'The job runs; follow it with `status`.', schema: 'node/backup-started.json' };

const start = async (call: Call<BackupStartRequest>, body: BackupStartRequest): Promise<BackupStarted> => {
  const { parts: node, answer } = call;
  const targets = await allowedTargets(body.nbd_targets, hostRule(call));
  await assertNotOwn(sourceOf(body), node.own);
  answer.status(202);
  return node.jobs.start(backupJob, { ...body, nbd_targets: targets });
};

export const startBackup = defineRoute<BackupStartRequest>({
  id: 'startBackup',
  method: 'POST',
  path: '/api/v1/backup/start',
  tag: 'transfer',
  summary: 'Starts the transfer of all disks of a VM',
  description:
    'One snapshot for all disks. The targets are fresh: empty for a full, with the parent below for an incremental. The same ' +
    'request twice is one job as long as it lives.',
  body: startBody,
  answers: { 202: started },
  errors: ['node.busy', 'job.failed', 'disk.full'],
  logOf,
  handle: async (call) => start(call, await checkStart(call.body)),
});

export const replicate = defineRoute<BackupStartRequest>({
  id: 'replicate',
  method: 'POST',
  path: '/api/v1/replicate',
  tag: 'transfer',
  summary: 'Brings targets that are kept in place up to date',
  description:
    'The same transfer into raw or qcow2 targets that hold what was written before; `target_holds` says what. A full makes ' +
    'any target equal to the source, `areas` and `digest` one that holds exactly what the last transfer that succeeded wrote. ' +
    'After a job that did not succeed the target is neither the one nor the other: say `anything` and do a full.',
  body: startBody,
  answers: { 202: started },
  errors: ['node.busy', 'job.failed', 'disk.full'],
  logOf,
  handle: async (call) => start(call, await checkReplicate(call.body)),
});

export const indexFormatsKnown = defineRoute({
  id: 'indexFormats',
  method: 'GET',
  path: '/api/v1/indexes',
  tag: 'transfer',
  summary: 'Which formats of block indexes the node knows',
  description: 'A node that answers 404 knows format 1.',
  answers: { 200: { description: 'The formats.', schema: 'node/index-formats.json' } },
  errors: [],
  handle: async (): Promise<IndexFormats> => ({ formats: [...indexFormats] }),
});

export const putIndex = defineRoute<Readable>({
  id: 'putIndex',
  method: 'PUT',
  path: '/api/v1/indexes/{sha256}',
  tag: 'transfer',
  summary: 'Stores a block index under its SHA-256',
  description:
    'If it is that; one that is known already costs nothing. Kept for a week after its last use, at most 256.',
  params: { sha256: { description: 'SHA-256 of the index, hex.', schema: 'domain.json#/$defs/sha256' } },
  body: { stream: 'The index, `docs/block-index.md`.' },
  answers: { 204: { description: 'It is stored.' } },
  errors: ['disk.full'],
  handle: async ({ parts: node, params, body, header }) => {
    const announced = header('content-length');
    await node.indexes.put(params['sha256'] ?? '', body, announced === null ? undefined : Number(announced));
    return undefined;
  },
});
