import { isAbsolute } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { BackupStartRequest } from '../../schemas/types.ts';
import { filesOf } from '../sources/index.ts';
import { sourceOf } from '../sources/request-source.ts';

const target = '[A-Za-z0-9_-]{1,64}:nbds?(?:\\+unix)?://[^,\\s]+';
const targets = new RegExp(`^${target}(?:,${target})*$`);

/**
 * A start request that its schema allows, as far as its form goes. What it means (keys, modes, sizes) is checked by the
 * client, which is where it matters and which can also be run without a node.
 */
export async function checkStart(request: BackupStartRequest): Promise<BackupStartRequest> {
  if ((request.target_holds ?? 'nothing') !== 'nothing')
    throw bad('/target_holds', 'is not nothing; targets that are kept in place are for POST /api/v1/replicate');
  return checkForm(request);
}

/**
 * The same into targets that are kept in place. An incremental leaves alone what did not change, so the target must hold
 * exactly what it is compared with; digests would not even see what a transfer that broke off wrote there.
 */
export async function checkReplicate(request: BackupStartRequest): Promise<BackupStartRequest> {
  const { target_holds: holds } = request;
  if (holds !== 'previous' && holds !== 'anything') throw bad('/target_holds', 'must be previous or anything');
  if (holds === 'anything' && request.backup_type !== 'full')
    throw bad('/backup_type', 'must be full where the target may hold anything');
  return checkForm(request);
}

async function checkForm(request: BackupStartRequest): Promise<BackupStartRequest> {
  if (!targets.test(request.nbd_targets)) throw bad('/nbd_targets', 'is not key:nbd://host:port/export,key:nbd://…');
  for (const { field, path } of await filesOf(sourceOf(request)))
    if (!isAbsolute(path)) throw bad(field, `is not absolute: ${JSON.stringify(path)}`);
  return request;
}

const bad = (field: string, why: string): SendenseError =>
  new SendenseError('request.invalid', `${field} ${why}`, { details: { field } });
