import { readdir, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { identityOf, type JudgedFile } from './judge-layers.ts';

/** Standard input, output and error. */
const standard: readonly string[] = ['0', '1', '2'];

/** An image stays open; what a library reads for a moment does not, such as glibc /sys/devices/system/cpu/online for a new thread. */
const mostLooks = 40;
const betweenMs = 25;

/**
 * A program that serves an image has opened the files that were judged, and no other: neither one that took the name of such a file in
 * between, nor one that a header names that was changed in between.
 * @param files that it may have open; `besides`: files of our own that it has open
 * @throws SendenseError `source.changed`
 */
export async function assertOpened(
  pid: number,
  files: readonly Pick<JudgedFile, 'identity'>[],
  besides: readonly string[],
): Promise<void> {
  const ours = await Promise.all(besides.map((path) => stat(path, { bigint: true }).catch(() => null)));
  const expected = new Set([
    ...files.map(({ identity }) => identity),
    ...ours.flatMap((info) => (info ? [identityOf(info)] : [])),
  ]);
  let strange = await othersOf(pid, expected);
  for (let look = 1; strange.size > 0; look++) {
    if (look === mostLooks)
      throw new SendenseError(
        'source.changed',
        'a file of the disk was replaced, or names another one, since it was looked at',
        { remedy: 'Run the backup again. If it happens again, look at who writes to the folder of the image.' },
      );
    await delay(betweenMs);
    strange = strange.intersection(await othersOf(pid, expected));
  }
}

/** What else it has open now, by identity. */
async function othersOf(pid: number, expected: ReadonlySet<string>): Promise<Set<string>> {
  const others = new Set<string>();
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    if (standard.includes(name)) continue;
    const info = await stat(`/proc/${pid}/fd/${name}`, { bigint: true }).catch(() => null);
    if (!info || (!info.isFile() && !info.isBlockDevice()) || expected.has(identityOf(info))) continue;
    others.add(identityOf(info));
  }
  return others;
}
