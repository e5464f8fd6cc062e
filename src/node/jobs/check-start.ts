import { isAbsolute } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { BackupStartRequest } from '../../schemas/types.ts';
import { sourceOf } from '../sources/request-source.ts';

const target = '[A-Za-z0-9_-]{1,64}:nbds?(?:\\+unix)?://[^,\\s]+';
const targets = new RegExp(`^${target}(?:,${target})*$`);

/**
 * A start request that its schema allows, as far as its form goes. What it means (keys, modes, sizes) is checked by the
 * client, which is where it matters and which can also be run without a node.
 */
export function checkStart(request: BackupStartRequest): BackupStartRequest {
  if ((request.target_holds ?? 'nothing') !== 'nothing')
    throw bad('/target_holds', 'is not nothing; targets that are kept in place are for POST /api/v1/replicate');
  return checkForm(request);
}

/**
 * The same into targets that are kept in place. An incremental leaves alone what did not change, so the target must hold
 * exactly what it is compared with; digests would not even see what a transfer that broke off wrote there.
 */
export function checkReplicate(request: BackupStartRequest): BackupStartRequest {
  const { target_holds: holds } = request;
  if (holds !== 'previous' && holds !== 'anything') throw bad('/target_holds', 'must be previous or anything');
  if (holds === 'anything' && request.backup_type !== 'full')
    throw bad('/backup_type', 'must be full where the target may hold anything');
  return checkForm(request);
}

function checkForm(request: BackupStartRequest): BackupStartRequest {
  if (!targets.test(request.nbd_targets)) throw bad('/nbd_targets', 'is not key:nbd://host:port/export,key:nbd://…');
  const source = sourceOf(request);
  if (source.type !== 'image') return request;
  for (const [number, disk] of source.disks.entries()) {
    if (!isAbsolute(disk.path))
      throw bad(`/source/disks/${number}/path`, `is not absolute: ${JSON.stringify(disk.path)}`);
    if (disk.changes !== null && !isAbsolute(disk.changes))
      throw bad(`/source/disks/${number}/changes`, `is not absolute: ${JSON.stringify(disk.changes)}`);
  }
  return request;
}

const bad = (field: string, why: string): SendenseError =>
  new SendenseError('request.invalid', `${field} ${why}`, { details: { field } });
