import { randomBytes } from 'node:crypto';

/** `20261121T013000Z-4f3a9c`: sortable by time, safe as a file name. */
export function newRunId(now: number): string {
  const time = new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
