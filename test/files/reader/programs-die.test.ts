import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Entry, Volume } from '../../../src/files/protocol.ts';
import { entriesOf } from '../../../src/files/reader/check-answer.ts';
import type { Reader } from '../../../src/files/reader/start-reader.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { printedRandom } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';
import { damaged } from '../fixtures/damaged.ts';
import { prepare, prepareOne } from '../fixtures/prepared.ts';
import { waitingReader } from '../reader-of.ts';

const making = 2_700_000;
const mostAtOnce = 7;

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Walks a volume and reads what it has. @returns how many files, or the code of the error */
async function readAll(reader: Reader, volume: string): Promise<number | string> {
  try {
    const entries: Entry[] = [];
    const onBytes = entriesOf((entry) => void entries.push(entry));
    await reader.ask('walk', { volume, path: '', filter: { type: 'file' } }, { onBytes });
    for (const { name } of entries.slice(0, 200)) {
      const ask = { volume, path: name, offset: 0, length: 65_536 };
      await reader.ask('read', ask, { onBytes: () => undefined }).catch(assertOfFiles);
    }
    return entries.length;
  } catch (error) {
    return assertOfFiles(error);
  }
}

function assertOfFiles(error: unknown): string {
  const { code } = error as { readonly code: string };
  expect(code).toMatch(/^files[.](?:damaged|path|type|reader)$/);
  return code;
}

test(
  'damaged file systems end their programs at most: the reader goes on, and images stay as they are',
  { timeout: making },
  async () => {
    const sound = await prepareOne('no-table-and-empty');
    const kinds = await prepare(['ext4-dirty', 'ext3', 'ntfs-hibernated', 'ext2']);
    const random = printedRandom('programs that read damaged file systems');
    await using folder = await temporaryFolder();
    const images = Array.from({ length: rounds(mostAtOnce, 140) }, (_, at) => join(folder.path, `damaged-${at}`));
    for (const [at, image] of images.entries()) {
      const from = kinds[at % kinds.length];
      if (from) await damaged(from.disk(0), image, random);
    }
    for (let at = 0; at < images.length; at += mostAtOnce) {
      const some = images.slice(at, at + mostAtOnce);
      const before = some.map(digestOf);
      await using waiting = await waitingReader({ kind: 'programs' });
      const { reader } = waiting;
      const volumes = await waiting.plug(sound.disk(0), ...some);
      for (const { id } of volumes) {
        const { state } = await reader.ask('open', { volume: id });
        if (state === 'readable') await readAll(reader, id);
      }
      expect(await readAll(reader, 'disk-0')).toBeGreaterThan(10);
      expect(some.map(digestOf)).toEqual(before);
    }
  },
);

test('a program that dies takes its volume with it, and no other', { timeout: making }, async () => {
  const [one, other] = await prepare(['ext2', 'ext3']);
  await using waiting = await waitingReader({ kind: 'programs' });
  const { reader } = waiting;
  const volumes: readonly Volume[] = await waiting.plug(one!.disk(0), other!.disk(0));
  expect(volumes.map(({ id }) => id)).toEqual(['disk-0p1', 'disk-1p1']);
  expect(await readAll(reader, 'disk-0p1')).toBeGreaterThan(10);
  const [pid] = programsOf(reader, 'fuse2fs');
  process.kill(pid!, 'SIGKILL');
  await expect.poll(() => programsOf(reader, 'fuse2fs'), { timeout: 200_000 }).toEqual([]);
  expect(await readAll(reader, 'disk-0p1')).toBe('files.damaged');
  expect(await readAll(reader, 'disk-1p1')).toBeGreaterThan(10);
});

test('when a reader ends, nothing of it is left', { timeout: making }, async () => {
  const { disk } = await prepareOne('ext2');
  let pids: readonly number[];
  {
    await using waiting = await waitingReader({ kind: 'programs' });
    await waiting.plug(disk(0));
    await readAll(waiting.reader, 'disk-0p1');
    pids = ['fuse2fs', shortened('qemu-storage-daemon')].flatMap((name) => programsOf(waiting.reader, name));
    expect(pids).toHaveLength(2);
  }
  await expect.poll(() => pids.filter(isRunning), { timeout: 200_000 }).toEqual([]);
});

/** As the kernel has it. Source: proc_pid_comm(5). */
const shortened = (name: string): string => name.slice(0, 15);

/** Processes of a name below the sandbox of a reader. */
const programsOf = (reader: Reader, name: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && statusOf(pid, 'Name') === name && isRunning(pid))
    .filter((pid) => isBelow(pid, reader.folder));

function isBelow(pid: number, folder: string): boolean {
  if (pid <= 1) return false;
  return textOf(pid, 'cmdline').includes(`${folder}/in`) || isBelow(Number(statusOf(pid, 'PPid')), folder);
}

const isRunning = (pid: number): boolean => !['', 'Z'].includes(statusOf(pid, 'State').slice(0, 1));

const statusOf = (pid: number, what: string): string =>
  new RegExp(`^${what}:\\s*(.*)$`, 'm').exec(textOf(pid, 'status'))?.[1] ?? '';

function textOf(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    return '';
  }
}
