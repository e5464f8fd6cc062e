import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { identityOf, type JudgedFile } from './judge-layers.ts';

/** Standard input, output and error. */
const standard: readonly string[] = ['0', '1', '2'];

/**
 * An image stays open until its server ends. What a library reads does not: glibc /sys/devices/system/cpu/online for a new thread. On a
 * machine that is busy such a moment lasts seconds.
 */
const usualPatienceMs = 30_000;
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
  patienceMs = usualPatienceMs,
): Promise<void> {
  const judged = new Set(files.map(({ identity }) => identity));
  let strange = await othersOf(pid, judged, besides);
  const until = performance.now() + patienceMs;
  while (strange.size > 0) {
    if (performance.now() > until)
      throw new SendenseError(
        'source.changed',
        `a file of the disk was replaced, or names another file, since Sendense examined it: ${[...strange.values()].join(', ')} is open`,
        { remedy: 'Run the backup again. If it happens again, find out who writes to the folder of the image.' },
      );
    await delay(betweenMs);
    const now = await othersOf(pid, judged, besides);
    strange = new Map([...strange].filter(([identity]) => now.has(identity)));
  }
}

/** What else it has open now: paths by identity. */
async function othersOf(
  pid: number,
  judged: ReadonlySet<string>,
  besides: readonly string[],
): Promise<Map<string, string>> {
  const others = new Map<string, string>();
  const listens = await boundSockets(pid);
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    if (standard.includes(name)) continue;
    const file = `/proc/${pid}/fd/${name}`;
    const [path, info] = [await readlink(file).catch(() => ''), await stat(file, { bigint: true }).catch(() => null)];
    // A header can also name a server: its socket is no file.
    const counts = info?.isFile() || info?.isBlockDevice() || (info?.isSocket() && !listens.has(path));
    if (!info || !counts || judged.has(identityOf(info))) continue;
    others.set(identityOf(info), path);
  }
  // Looked at last: qemu-nbd writes its pid file only when it listens.
  for (const path of [...besides, ...handedDown()]) {
    const info = await stat(path, { bigint: true }).catch(() => null);
    if (info) others.delete(identityOf(info));
  }
  return others;
}

/** `socket:[INODE]` of the Unix sockets that have a name: those at which somebody listens, and what they took in. A client's has none. */
async function boundSockets(pid: number): Promise<ReadonlySet<string>> {
  const lines = (await readFile(`/proc/${pid}/net/unix`, 'utf8').catch(() => '')).split('\n');
  const inodes = lines.flatMap((line) => /^(?:\S+ +){6}(\d+) \S/.exec(line)?.[1] ?? []);
  return new Set(inodes.map((inode) => `socket:[${inode}]`));
}

/**
 * Node reads the certificates that its environment names in a thread, with a descriptor that programs keep which are started meanwhile
 * (fopen(3) without close-on-exec): they have it open as long as they live.
 */
const handedDown = (): string[] => [process.env['NODE_EXTRA_CA_CERTS'] ?? ''].filter(Boolean);
