import { isAbsolute } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { BackupStartRequest } from '../schemas/types.ts';
import { checkBody } from './check-body.ts';
import { sourceOf } from './sources/request-source.ts';

const target = '[A-Za-z0-9_-]{1,64}:nbd(?:\\+unix)?://[^,\\s]+';
const targets = new RegExp(`^${target}(?:,${target})*$`);

/**
 * A start request as far as its form goes. What it means (keys, modes, sizes) is checked by the client, which is where it
 * matters and which can also be run without a node.
 */
export function checkStart(body: unknown): BackupStartRequest {
  const request = checkBody<BackupStartRequest>('node/backup-start.json', body);
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
