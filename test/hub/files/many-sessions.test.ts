import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AllFileSessions, FileSessions } from '../../../src/hub/files/file-sessions.ts';
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
let all: AllFileSessions;

const vmOf = (index: number): string => `vm${index}`;
const cloneOf = (index: number): (typeof clones)[number] => clones[index % 2 === 0 ? 0 : 1];
const request = (vm: string) => ({ vm, repository: undefined, choice: 'latest', identity: undefined }) as const;
/** Somebody of its own for each VM: one alone may not have so many open. */
const of = (vm: string): FileSessions => all.of({ who: vm, identity: '', address: null, mayCloseAll: false });
const open = (vm: string): Promise<OpenFiles> => of(vm).open(request(vm));

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
  all = stack.use(await hub.files(work.path('s')));
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
    const opened = await Promise.all(Array.from({ length: count }, (_zero, index) => open(vmOf(index))));
    expect(await Promise.all(opened.map(hostname))).toEqual(opened.map((_files, index) => `${cloneOf(index)}\n`));
    expect(all.count).toBe(count);
    const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
    console.log(`${count} open restore points: this process grew by ${grown} MiB`);
    expect(grown).toBeLessThan(150);
  },
);

test('one whose guest is killed ends alone, and is opened anew', { timeout: making }, async () => {
  const files = await open(vmOf(0));
  // The newest is of the reader that waits.
  const [oldest] = descendantsOf(process.pid)
    .filter(({ name }) => name === 'linux.uml')
    .toSorted((one, other) => Number(one.identity.start_time) - Number(other.identity.start_time));
  if (!oldest) throw new Error('no guest runs');
  process.kill(oldest.identity.pid, 'SIGKILL');
  await expect.poll(() => all.count, { timeout: 200_000 }).toBe(count - 1);
  const lives = await Promise.all(Array.from({ length: count }, (_zero, index) => open(vmOf(index))));
  expect(await Promise.all(lives.map(hostname))).toEqual(lives.map((_files, index) => `${cloneOf(index)}\n`));
  expect(files.info().vm).toBe(vmOf(0));
});

test(
  'what one has open is nobody else’s: not to read, not to be closed, not to be seen',
  { timeout: making },
  async () => {
    const vm = vmOf(0);
    const [alice, eve, root] = [
      of(vm),
      all.of({ who: 'eve', identity: '', address: null, mayCloseAll: false }),
      all.of({ who: 'root', identity: '', address: null, mayCloseAll: true }),
    ];
    const own = (await alice.open(request(vm))).info();
    expect(own.opened_by).toBe(vm);
    expect(() => eve.one(own.id)).toThrow(expect.objectContaining({ code: 'files.session' }));
    expect(() => eve.transfers(own.id)).toThrow(expect.objectContaining({ code: 'files.session' }));
    await expect(eve.close(own.id)).rejects.toMatchObject({ code: 'files.session' });
    expect(eve.all()).toEqual([]);
    const others = (await eve.open(request(vm))).info();
    expect(others.id).not.toBe(own.id);
    expect(eve.all().map((files) => files.info().id)).toEqual([others.id]);
    expect(root.all().map((files) => files.info().id)).toEqual(expect.arrayContaining([own.id, others.id]));
    // Who removes restore points closes them, and reads in none that is not its own.
    expect(() => root.one(own.id)).toThrow(expect.objectContaining({ code: 'files.session' }));
    await root.close(others.id);
    expect(alice.one(own.id).info().id).toBe(own.id);
  },
);

test('a restore point that one opens twice at once has one reader', { timeout: making }, async () => {
  const root = all.of({ who: 'root', identity: '', address: null, mayCloseAll: true });
  for (const { id } of root.all().map((files) => files.info())) await root.close(id);
  const [one, other] = await Promise.all([open(vmOf(0)), open(vmOf(0))]);
  expect(one.info().id).toBe(other.info().id);
  expect(all.count).toBe(1);
  expect(await Promise.all([hostname(one), hostname(one)])).toEqual(['one\n', 'one\n']);
  await of(vmOf(0)).close(one.info().id);
  // The reader that waits for the next one ends with them.
  await all[Symbol.asyncDispose]();
  expect(leftovers(work.folder)).toEqual([]);
});
