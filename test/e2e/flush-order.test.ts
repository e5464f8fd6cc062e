/**
 * What must be on stable storage before something counts is flushed before it counts. strace(1) tells in which order a program asks the
 * kernel to flush files and folders and to give files their names; a power cut can undo all that comes after the last flush.
 */
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backupPlan, makeRaw, program, restorePlan, workspace, writeAt, type Workspace } from './workspace.ts';
import { randomBytes } from '../support/random.ts';
import { all } from '../support/rounds.ts';

const MiB = 1024 * 1024;

interface Call {
  /** `flush`: with everything that is known of the file, as its mode (fsync); `data`: without (fdatasync). */
  readonly what: 'flush' | 'data' | 'name';
  /** Relative to the workspace; of what gets a name, the new one. */
  readonly path: string;
  /** Of what gets a name: the one before. */
  readonly from?: string | undefined;
}

/** What `sendense-run` and its programs flush and rename in the workspace, in the order of the ends of the calls. */
async function traced(work: Workspace, ...args: string[]): Promise<Call[]> {
  const trace = work.path('trace');
  const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,openat';
  const ran = await execa(
    'strace',
    ['-f', '--seccomp-bpf', '-y', '-s', '4096', '-e', calls, '-o', trace, process.execPath, program, ...args],
    {
      cwd: work.folder,
      reject: false,
    },
  );
  expect(ran.exitCode, ran.stderr).toBe(0);
  const text = await readFile(trace, 'utf8');
  const begun = new Map<string, string>();
  const made: Call[] = [];
  const folders = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, pid = '', said = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (said.endsWith('<unfinished ...>')) begun.set(pid, said);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said);
    const whole = resumed ? `${begun.get(pid)?.replace(' <unfinished ...>', '')}${resumed[1]}` : said;
    const [, opened, folder = ''] = /^openat\(.*O_DIRECTORY.* = (\d+)<([^>]*)>$/.exec(whole) ?? [];
    if (opened !== undefined) folders.set(opened, folder);
    if (!whole.endsWith(' = 0')) continue;
    const [, data, flushed] = /^f(data)?sync\(\d+<([^>]*)>/.exec(whole) ?? [];
    const names = /^(?:rename|link)/.test(whole) ? [...whole.matchAll(/"([^"]*)"/g)].map(([, name = '']) => name) : [];
    const [path, from] = [flushed ?? names.at(-1), names.at(-2)].map((name) => {
      // A folder that is held by a descriptor (`pinned-folder.ts`).
      const real = name?.replace(/^\/proc\/self\/fd\/(\d+)/, (held, number: string) => folders.get(number) ?? held);
      return real && normalize(real).replace(`${work.folder}/`, '');
    });
    if (path === undefined || path.startsWith('/')) continue;
    made.push({ what: flushed === undefined ? 'name' : data === undefined ? 'flush' : 'data', path, from });
  }
  return made;
}

/** The place of the last such call before another one; fails where there is none. */
function expectBefore(calls: readonly Call[], what: Call['what'], path: RegExp, end: number): void {
  const before = calls.slice(0, end).findLastIndex((call) => call.what === what && path.test(call.path));
  expect(before, `${what} ${path} before ${JSON.stringify(calls[end])} in\n${JSON.stringify(calls, null, 1)}`).not.toBe(
    -1,
  );
}

const nameOf = (calls: readonly Call[], path: RegExp): number =>
  calls.findLastIndex((call) => call.what === 'name' && path.test(call.path));

/** What is written into the holder's own folder (docs/repository.md, Several hubs) is flushed there, and then gets its name. */
const staged = (calls: readonly Call[], at: number): RegExp => {
  const { from = '' } = calls[at] ?? {};
  expect(from).toMatch(/^repository\/\.sendense\/locks\/pgtest1\/work-[0-9a-f-]{36}\/[0-9a-f-]{36}$/);
  return new RegExp(`^${from.replaceAll('.', '\\.')}$`);
};

const manifest = /^repository\/pgtest1\/[^/]+\.json$/;

describe('before it counts, it is flushed', { timeout: 300_000 }, () => {
  test('a backup: images, indexes and their folders, then the manifest, then its folder, then the database', async () => {
    await using work = await workspace();
    for (const name of ['a.raw', 'b.raw']) await makeRaw(work.path(name), 2 * MiB, [[0, MiB]]);
    await work.write('plan.yaml', backupPlan(['a.raw', 'b.raw']));
    for (const round of ['full', 'incremental']) {
      await writeAt(work.path('a.raw'), [MiB, randomBytes(70_000)]);
      if (!all && round === 'full') {
        expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
        continue;
      }
      const calls = await traced(work, 'run', 'plan.yaml');
      const published = nameOf(calls, manifest);
      expect(published, round).not.toBe(-1);
      expectBefore(calls, 'flush', staged(calls, published), published);
      for (const disk of ['disk-0', 'disk-1']) {
        expectBefore(calls, 'flush', new RegExp(`/${disk}/[^/]*\\.qcow2$`), published);
        expectBefore(calls, 'flush', new RegExp(`/${disk}/[^/]*\\.index`), published);
        expectBefore(calls, 'flush', new RegExp(`/${disk}$`), published);
      }
      const durable = calls.findIndex(
        ({ what, path }, at) => at > published && what === 'flush' && path === 'repository/pgtest1',
      );
      expect(durable, JSON.stringify(calls.slice(published))).not.toBe(-1);
      const recorded = calls.findIndex(
        ({ what, path }, at) => at > durable && what !== 'name' && path.startsWith('state/sendense.db'),
      );
      expect(recorded, JSON.stringify(calls.slice(published))).not.toBe(-1);
    }
  });

  test('a merge: the intent before anything changes, the merged image before its name', async () => {
    await using work = await workspace();
    await makeRaw(work.path('a.raw'), 2 * MiB, [[0, MiB]]);
    await work.write('plan.yaml', backupPlan(['a.raw']));
    for (const at of [0, 1, 2]) {
      await writeAt(work.path('a.raw'), [at * 100_000, randomBytes(70_000)]);
      expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
    }
    const calls = await traced(work, 'prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes');
    const first = calls.findIndex(({ what, path }) => what === 'name' && path.endsWith('.merge'));
    expect(first).not.toBe(-1);
    expectBefore(calls, 'flush', staged(calls, first), first);
    const image = nameOf(calls, /\/disk-0\/[^/]*\.qcow2$/);
    expect(image).toBeGreaterThan(first);
    expectBefore(calls, 'flush', /\/disk-0\/[^/]*\.(qcow2|sendense-part)/, image);
    const published = nameOf(calls, manifest);
    expect(published).toBeGreaterThan(image);
    expectBefore(calls, 'flush', /\/disk-0$/, published);
    const flushedAfter = (at: number): number =>
      calls.findIndex(({ what, path }, later) => later > at && what === 'flush' && path === 'repository/pgtest1');
    expect(flushedAfter(first)).toBeGreaterThan(first);
    expect(flushedAfter(first)).toBeLessThan(image);
    const ended = calls.findLastIndex(({ from }) => from?.endsWith('.merge'));
    expect(ended, JSON.stringify(calls.slice(published), null, 1)).toBeGreaterThan(published);
    expect(flushedAfter(ended), 'the end of the merge').toBeGreaterThan(ended);
  });

  test('a restore: the disk before its name, and the folder after it', async () => {
    await using work = await workspace();
    await makeRaw(work.path('a.raw'), 2 * MiB, [[0, MiB]]);
    await work.write('plan.yaml', backupPlan(['a.raw']));
    expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
    await work.write('restore.yaml', restorePlan('./out'));
    const calls = await traced(work, 'run', 'restore.yaml');
    const published = nameOf(calls, /^out\/disk-0\.raw$/);
    expect(published, JSON.stringify(calls)).not.toBe(-1);
    expectBefore(calls, 'flush', /^out\/\..*\.sendense-part\/disk-0\..*part$/, published);
    expect(calls.slice(published).some(({ what, path }) => what === 'flush' && path === 'out')).toBe(true);
  });
});
