import { randomBytes } from 'node:crypto';

const given = { time: '', parts: new Set<string>() };

/**
 * `20261121T013000Z-4f3a9c`: sortable by time, safe as a file name. No two of this process are the same: of a thousand in one second, as
 * when a daemon catches up, two would be in one case of thirty.
 */
export function newRunId(now: number): string {
  const time = new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  if (given.time !== time) {
    given.time = time;
    given.parts.clear();
  }
  const { size } = given.parts;
  let part;
  do given.parts.add((part = randomBytes(3).toString('hex')));
  while (given.parts.size === size);
  return `${time}-${part}`;
}
