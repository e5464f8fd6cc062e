import { randomBytes } from 'node:crypto';

/** Those of this process within one second. */
const given = { second: '', ids: new Set<string>() };

/**
 * `20261121T013000Z-4f3a9c`: sortable by time, safe as a file name. No two of this process are the same: of a thousand in one second, as
 * when a daemon catches up, two would be in one case of thirty.
 */
export function newRunId(now: number): string {
  const second = new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  if (given.second !== second) {
    given.second = second;
    given.ids.clear();
  }
  let id: string;
  do id = `${second}-${randomBytes(3).toString('hex')}`;
  while (given.ids.has(id));
  given.ids.add(id);
  return id;
}
