import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileSessions } from '../../../src/hub/files/file-sessions.ts';
import type { OpenFiles } from '../../../src/hub/files/open-files.ts';
import type { Hub } from '../../../src/hub/hub.ts';
import { openHub } from '../../../src/hub/open-hub.ts';
import { backupPlan, workspace, type Workspace } from '../../e2e/workspace.ts';
import { prepare } from '../../files/fixtures/prepared.ts';
import { bytesOf } from '../../files/reader-of.ts';
import { descendantsOf } from '../../support/descendants.ts';
import { rounds } from '../../support/rounds.ts';
import { leftovers } from '../../e2e/nothing-left.ts';

/** Readers at once, two of each machine but for the last. */
const count = rounds(4, 20);
const clones = ['one', 'another'] as const;
const making = 2_700_000;

const stack = new AsyncDisposableStack();
let work: Workspace;
let hub: Hub;
let sessions: FileSessions;

const vmOf = (index: number): string => `vm${index}`;
const cloneOf = (index: number): (typeof clones)[number] => clones[index % 2 === 0 ? 0 : 1];
const request = (vm: string) =>
  ({ vm, repository: undefined, choice: 'latest', identity: undefined, who: vm }) as const;

beforeAll(async () => {
  work = stack.use(await workspace());
  const disks = await prepare(clones.map((own) => `lvm-clone-${own}`));
  for (let index = 0; index < count; index++) {
    const disk = disks[index % 2]?.disk(0) ?? '';
    await work.write('plan.yaml', backupPlan([disk]).replaceAll('pgtest1', vmOf(index)));
    const { finished, stderr } = await work.run('plan.yaml');
    if (finished.status !== 'succeeded') throw new Error(stderr);
  }
  hub = stack.use(
    await openHub({ startFolder: work.folder, embeddedNode: () => Promise.reject(new Error('no node')) }),
  );
  mkdirSync(work.path('s'), { mode: 0o711 });
  sessions = stack.use(await hub.files(work.path('s')));
}, making);
afterAll(() => stack.disposeAsync());

async function hostname(files: OpenFiles): Promise<string> {
  const pieces: Buffer[] = [];
  const ask = { volume: 'vg0/root', path: bytesOf('hostname'), offset: 0, length: null };
  await files.read(ask, { onBytes: (bytes) => void pieces.push(bytes) });
  return Buffer.concat(pieces).toString();
}

test(
  'many machines with the same volume group and ids are open at once, each with its own files',
  { timeout: making },
  async () => {
    const before = process.memoryUsage().rss;
    const open = await Promise.all(
      Array.from({ length: count }, (_zero, index) => sessions.open(request(vmOf(index)))),
    );
    expect(await Promise.all(open.map(hostname))).toEqual(open.map((_files, index) => `${cloneOf(index)}\n`));
    expect(sessions.count).toBe(count);
    const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
    console.log(`${count} open restore points: this process grew by ${grown} MiB`);
    expect(grown).toBeLessThan(150);
  },
);

test('one whose guest is killed ends alone, and is opened anew', { timeout: making }, async () => {
  const files = await sessions.open(request(vmOf(0)));
  // The newest is of the reader that waits.
  const [oldest] = descendantsOf(process.pid)
    .filter(({ name }) => name === 'linux.uml')
    .toSorted((one, other) => Number(one.identity.start_time) - Number(other.identity.start_time));
  if (!oldest) throw new Error('no guest runs');
  process.kill(oldest.identity.pid, 'SIGKILL');
  await expect.poll(() => sessions.count, { timeout: 200_000 }).toBe(count - 1);
  const lives = await Promise.all(Array.from({ length: count }, (_zero, index) => sessions.open(request(vmOf(index)))));
  expect(await Promise.all(lives.map(hostname))).toEqual(lives.map((_files, index) => `${cloneOf(index)}\n`));
  expect(files.info().vm).toBe(vmOf(0));
});

test('a restore point that two open at once has one reader', { timeout: making }, async () => {
  for (const { id } of sessions.all().map((files) => files.info())) await sessions.close(id);
  const [one, other] = await Promise.all([sessions.open(request(vmOf(0))), sessions.open(request(vmOf(0)))]);
  expect(one.info().id).toBe(other.info().id);
  expect(sessions.count).toBe(1);
  expect(await Promise.all([hostname(one), hostname(one)])).toEqual(['one\n', 'one\n']);
  await sessions.close(one.info().id);
  // The reader that waits for the next one ends with them.
  await sessions[Symbol.asyncDispose]();
  expect(leftovers(work.folder)).toEqual([]);
});
