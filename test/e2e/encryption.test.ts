import { execa } from 'execa';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { secretFiles } from '../support/secret-files.ts';
import { copyFile, cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Manifest, PointsVerifyOutput } from '../../src/schemas/types.ts';
import { leftovers } from './nothing-left.ts';
import {
  backupPlan,
  disksOf,
  makeRaw,
  program,
  restorePlan,
  sameBytes,
  sameContent,
  workspace,
  writeAt,
  type RunOutcome,
  type Workspace,
} from './workspace.ts';
import { randomBytes } from '../support/random.ts';
import { testProgram } from '../programs.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';
import { all } from '../support/rounds.ts';

hurryKdf();

const MiB = 1024 * 1024;
const killedRun = testProgram('e2e/killed-run-child');
const marker = 'THE GUEST WROTE THIS INTO ITS DISK';

const settings = (encryption: string): string => `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository${encryption === '' ? '' : `, ${encryption}`} }
`;
const withKey = (file = 'repo.key', ...older: readonly string[]): string => {
  const keys = older.map((name) => `{ secret: { file: ./${name} } }`).join(', ');
  return settings(`encryption: { key: { secret: { file: ./${file} } }${older.length > 0 ? `, keys: [${keys}]` : ''} }`);
};

/** A VM of one disk with a marker in it, and a key; answers the key. */
async function encrypted(work: Workspace): Promise<string> {
  const made = await work.call(['repo', 'new-key', 'repo.key']);
  expect(made.exitCode).toBe(0);
  await makeRaw(work.path('disk0.raw'), 8 * MiB, [[0, 2 * MiB]]);
  await writeAt(work.path('disk0.raw'), [70_000, Buffer.from(marker)]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw']));
  return readFile(work.path('repo.key'), 'utf8');
}

async function backup(work: Workspace): Promise<RunOutcome> {
  const outcome = await work.run('nightly.yaml');
  expect(outcome.finished, JSON.stringify(outcome.finished.error) + outcome.stderr).toMatchObject({
    status: 'succeeded',
  });
  return outcome;
}

/** Changes the disk, keeps a copy of it, and backs it up. */
async function next(work: Workspace, number: number): Promise<{ id: string; outcome: RunOutcome }> {
  if (number > 0)
    await writeAt(
      work.path('disk0.raw'),
      [number * 300_000, randomBytes(5000)],
      [3 * MiB + number * 70_000, Buffer.from(`${marker} ${number}`)],
    );
  await copyFile(work.path('disk0.raw'), work.path(`kept-${number}.raw`));
  const outcome = await backup(work);
  return { id: outcome.finished.backup_id ?? '', outcome };
}

async function restored(work: Workspace, id: string, number: number, name = `${number}`): Promise<void> {
  await work.write('restore.yaml', restorePlan(`./restored-${name}`, `point: ${id}\n`));
  const outcome = await work.run('restore.yaml');
  expect(outcome.finished, JSON.stringify(outcome.finished.error) + outcome.stderr).toMatchObject({
    status: 'succeeded',
    exit_code: 0,
  });
  expect(await sameBytes(work.path(`restored-${name}`, 'disk-0.raw'), work.path(`kept-${number}.raw`))).toBe(true);
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

const holding = (folder: string, text: string | Buffer): string[] =>
  filesIn(folder).filter((path) => readFileSync(path).includes(text));

const manifestOf = async (work: Workspace, id: string): Promise<Manifest> =>
  JSON.parse(await readFile(work.path('repository/pgtest1', `${id}.json`), 'utf8')) as Manifest;

/** Copies of the state database are no leftovers. */
const left = (work: Workspace): string[] =>
  leftovers(work.folder).filter((text) => !text.startsWith('file .sendense/state-'));

/** Command lines and environments in which the text is seen, until it is disposed of. */
function watchProcesses(text: string): Disposable & { readonly seen: Set<string>; readonly looks: () => number } {
  const seen = new Set<string>();
  // One that starts another program has other words then; what it had from its start stays what it was.
  const known = new Map<string, string>();
  let looks = 0;
  const look = (): void => {
    looks++;
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)))
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (known.get(pid) === words) continue;
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        known.set(pid, words);
        if (words.includes(text)) seen.add(`cmdline ${words}`);
        if (environment.includes(text)) seen.add(`environ ${environment}`);
      } catch {
        // It ended.
      }
  };
  const timer = setInterval(look, 25);
  return { seen, looks: () => looks, [Symbol.dispose]: () => clearInterval(timer) };
}

describe('encryption at rest', () => {
  test('a full and three incrementals: nothing of guest or key is to be seen, and every point comes back', async () => {
    await using work = await workspace({ settings: withKey(), ownProcess: true });
    const key = await encrypted(work);
    using watch = watchProcesses(key);
    const ids: string[] = [];
    for (const number of [0, 1, 2, 3]) {
      const { id, outcome } = await next(work, number);
      expect(disksOf(outcome)[0]?.mode).toBe(number === 0 ? 'full' : 'incremental');
      ids.push(id);
    }
    const manifest = await manifestOf(work, ids[3] ?? '');
    expect(manifest.disks[0]?.encryption).toEqual({
      format: 'luks',
      key_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });

    const preview = await work.call(['plan', 'nightly.yaml']);
    expect(preview.stdout).toContain('encrypt.format=luks');
    expect(preview.stdout).not.toContain(key);
    const checked = await work.call(['check', '--json']);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, findings: [] });
    for (const [number, id] of ids.entries()) await restored(work, id, number);
    expect(watch.looks()).toBeGreaterThan(20);
    expect([...watch.seen]).toEqual([]);

    expect(holding(work.path('repository'), marker)).toEqual([]);
    expect(holding(work.path('repository'), 'SBI\r\n\x1a')).toEqual([]);
    expect(holding(work.folder, key)).toEqual([work.path('repo.key')]);
    expect(left(work)).toEqual([]);

    // A database that was lost comes back without the key, and the restore points with it.
    await rm(work.path('state'), { recursive: true });
    const imported = await work.call(['repo', 'import', 'primary', '--json']);
    expect((JSON.parse(imported.stdout) as { imported: string[] }).imported).toEqual(ids);
    await restored(work, ids[2] ?? '', 2, 'imported');
    const { outcome } = await next(work, 4);
    expect(disksOf(outcome)[0]?.mode).toBe('incremental');
  }, 400_000);

  test('a key that is missing, wrong, too short or no text is refused before anything starts', async () => {
    await using work = await workspace({ settings: withKey() });
    await encrypted(work);
    const { id } = await next(work, 0);
    const before = filesIn(work.path('repository'));
    await work.write('restore.yaml', restorePlan('./restored', `point: ${id}\n`));

    const refused = async (plan: string, code: string, message: RegExp): Promise<void> => {
      const { finished } = await work.run(plan);
      expect(finished).toMatchObject({ status: 'failed', exit_code: 12, error: { code } });
      expect(finished.error?.message).toMatch(message);
      expect(filesIn(work.path('repository'))).toEqual(before);
      expect(readdirSync(work.folder)).not.toContain('restored');
    };
    await work.call(['repo', 'new-key', 'other.key']);
    await work.write('sendense.yaml', withKey('other.key'));
    await refused('restore.yaml', 'repository.key', /encrypted with key [0-9a-f]{16}; [0-9a-f]{16} is not the one/);
    await work.write('sendense.yaml', settings(''));
    await refused('restore.yaml', 'repository.key', /no key is set/);
    await work.write('sendense.yaml', withKey('gone.key'));
    await refused('nightly.yaml', 'secret.unreadable', /gone\.key/);
    await work.write('short.key', 'tooshort');
    await work.write('sendense.yaml', withKey('short.key'));
    await refused('nightly.yaml', 'repository.key', /has 8 characters, a key has at least 20/);
    await writeFile(work.path('binary.key'), randomBytes(64));
    await work.write('sendense.yaml', withKey('binary.key'));
    await refused('nightly.yaml', 'repository.key', /one line of ASCII/);

    await work.write('sendense.yaml', settings(''));
    const checked = JSON.parse((await work.call(['check', '--json'])).stdout) as { ok: boolean; findings: unknown[] };
    expect(checked).toMatchObject({ ok: true, findings: [{ code: 'key.missing', severity: 'warning' }] });

    // A point without its key fails a verification, is not marked, and keeps no other point from being verified.
    await work.write('sendense.yaml', withKey('other.key'));
    const { id: newer } = await next(work, 1);
    const verified = await work.call(['verify', '--points', 'all', '--level', 'deep', '--json']);
    expect(verified.exitCode).toBe(1);
    const results = verified.stdout
      .split('\n')
      .filter((line) => line.includes('"step.succeeded"') && line.includes('"results"'))
      .flatMap((line) => (JSON.parse(line) as { output: PointsVerifyOutput }).output.results);
    expect(results.map(({ backup_id, ok, broken }) => [backup_id, ok, broken])).toEqual([
      [id, false, false],
      [newer, true, false],
    ]);
    expect(results[0]?.problems[0]).toContain('is not the one');
  }, 400_000);

  test('switching encryption on, changing the key and switching it off each begin a new chain, and old points stay readable', async () => {
    await using work = await workspace({ settings: settings('') });
    await encrypted(work);
    await work.call(['repo', 'new-key', 'second.key']);
    const reasons: string[] = [];
    const ids: string[] = [];
    const texts = [
      settings(''),
      withKey(),
      withKey('second.key'),
      settings('encryption: { keys: [{ secret: { file: ./repo.key } }] }'),
    ];
    for (const [number, text] of texts.entries()) {
      await work.write('sendense.yaml', text);
      const { id, outcome } = await next(work, number);
      ids.push(id);
      expect(disksOf(outcome)[0]?.mode).toBe('full');
      reasons.push(disksOf(outcome)[0]?.reason ?? '');
      const warnings = outcome.finished.warnings.join('\n');
      if (number < 2) expect(warnings).toBe('');
      else expect(warnings).toMatch(/encrypted with key [0-9a-f]{16}, which is not set/);
    }
    expect(reasons[1]).toMatch(/encryption is on now/);
    expect(reasons[2]).toMatch(/the key is [0-9a-f]{16} now/);
    expect(reasons[3]).toMatch(/encryption is off now/);

    await work.write('sendense.yaml', withKey('second.key', 'repo.key'));
    for (const [number, id] of ids.entries()) if (all || number > 1) await restored(work, id, number);
    const checked = await work.call(['check', '--json']);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, findings: [] });
  }, 400_000);

  test.each([
    ['encrypted', withKey()],
    ['compressed', settings('compress: zstd')],
  ])(
    'a bit that flips in an %s file is found',
    async (_form, form) => {
      await using work = await workspace({ settings: form });
      await encrypted(work);
      const { outcome } = await next(work, 0);
      const file = disksOf(outcome)[0]?.path ?? '';
      await execa('chmod', ['u+w', file]);
      const { size } = await stat(file);
      const bytes = await readFile(file);
      const at = size - 70_000;
      await writeAt(file, [at, Buffer.from([(bytes[at] ?? 0) ^ 1])]);
      const checked = JSON.parse((await work.call(['check', '--json'])).stdout) as { ok: boolean };
      expect(checked.ok).toBe(false);
    },
    300_000,
  );

  test('what docs/encryption.md says restores without Sendense', async () => {
    await using work = await workspace({ settings: withKey() });
    await encrypted(work);
    const last = [await next(work, 0), await next(work, 1), await next(work, 2)].at(-1);
    await cp(work.path('repository/pgtest1'), work.path('elsewhere'), { recursive: true });
    await rm(work.path('repository'), { recursive: true });
    const docs = await readFile(join(import.meta.dirname, '../../docs/encryption.md'), 'utf8');
    const script = /<!-- restore -->\n+```sh\n([\s\S]*?)```/.exec(docs)?.[1];
    if (script === undefined) throw new Error('docs/encryption.md has no script');
    const env = {
      KEY: work.path('repo.key'),
      IMAGE: work.path('elsewhere/disk-0', `${last?.id}.qcow2`),
      INDEX: work.path('elsewhere/disk-0', `${last?.id}.index`),
      OUT: work.path('out.raw'),
    };
    await execa('bash', ['-eu', '-c', script], { cwd: work.folder, env });
    expect(await sameBytes(work.path('out.raw'), work.path('kept-2.raw'))).toBe(true);
    const opened = /<!-- file -->\n+```sh\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
    await execa('bash', ['-eu', '-c', opened.replaceAll('$FILE', '$INDEX')], { cwd: work.folder, env });
    expect((await readFile(work.path('out'))).subarray(1, 4).toString()).toBe('SBI');
  }, 300_000);

  const steps = all ? ['nbd.serve', 'qcow2.create', 'qcow2.seal'] : ['nbd.serve'];
  test.each(steps.map((uses) => [uses, 'after'] as const))(
    'kill -9 of a run %s, %s: nothing is left, of the key neither',
    async (uses, when) => {
      await using work = await workspace({ settings: withKey() });
      const key = await encrypted(work);
      const before = secretFiles();
      const result = await execa(process.execPath, [killedRun, work.path('nightly.yaml'), uses, when], {
        reject: false,
      });
      expect(result.signal, result.stderr).toBe('SIGKILL');
      expect(holding(work.folder, key)).toEqual([work.path('repo.key')]);
      // Those of other tests have their names for a moment.
      const after = secretFiles().filter((name) => !before.includes(name));
      await expect.poll(() => secretFiles().filter((name) => after.includes(name))).toEqual([]);
      expect((await work.call(['recover'])).exitCode).toBe(0);
      expect(left(work)).toEqual([]);
    },
    300_000,
  );

  test('a thin restore is an overlay that opens with the key', async () => {
    await using work = await workspace({ settings: withKey() });
    await encrypted(work);
    const { id } = await next(work, 0);
    await work.write(
      'thin.yaml',
      restorePlan('./thin', `point: ${id}\n`).replace(
        'directory: ./thin',
        'directory: ./thin, format: qcow2, thin: true',
      ),
    );
    const outcome = await work.run('thin.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished.error) + outcome.stderr).toMatchObject({
      status: 'succeeded',
    });
    const info = await execa('qemu-img', ['info', '--output=json', work.path('thin/disk-0.qcow2')]);
    expect(JSON.parse(info.stdout)).toMatchObject({ 'virtual-size': 8 * MiB });
  }, 300_000);
});

describe('compression', () => {
  /** Text compresses to a fraction. */
  const text = (bytes: number): Buffer => Buffer.alloc(bytes, 'what a guest writes is mostly text, and compresses. ');

  test('a compressed chain is smaller than a plain one, is compared, and comes back', async () => {
    await using work = await workspace({ settings: settings('compress: zstd') });
    await encrypted(work);
    await writeAt(work.path('disk0.raw'), [0, text(4 * MiB)]);
    const first = await next(work, 0);
    await writeAt(work.path('disk0.raw'), [2 * MiB, Buffer.alloc(MiB)], [5 * MiB, text(MiB)]);
    const second = await next(work, 1);
    const third = await next(work, 2);
    const modes = [first, second, third].map(({ outcome }) => disksOf(outcome)[0]?.mode);
    expect(modes).toEqual(['full', 'incremental', 'incremental']);
    const path = disksOf(second.outcome)[0]?.path ?? '';
    const info = JSON.parse((await execa('qemu-img', ['info', '--output=json', path])).stdout) as Record<
      string,
      unknown
    >;
    expect(info).toMatchObject({
      'backing-filename': `${first.id}.qcow2`,
      'format-specific': { data: { 'compression-type': 'zstd' } },
    });
    const [disk] = (await manifestOf(work, first.id)).disks;
    const { size } = await stat(disksOf(first.outcome)[0]?.path ?? '');
    expect(disk).toMatchObject({ file_bytes: size, compression: { type: 'zstd' } });
    expect(size).toBeLessThan((disk?.compression?.plain_bytes ?? 0) / 2);
    for (const [number, { id }] of [first, second, third].entries()) await restored(work, id, number);
    expect(await sameContent(disksOf(third.outcome)[0]?.path ?? '', work.path('disk0.raw'))).toBe(true);
    expect(JSON.parse((await work.call(['check', '--json'])).stdout)).toMatchObject({ ok: true, findings: [] });
    expect(left(work)).toEqual([]);
  }, 400_000);

  test.each(all ? (['SIGKILL', 'SIGTERM'] as const) : (['SIGKILL'] as const))(
    '%s while a disk is rewritten leaves nothing',
    async (signal) => {
      await using work = await workspace({ settings: settings('compress: zstd') });
      await encrypted(work);
      await makeRaw(work.path('disk0.raw'), 128 * MiB, [[0, 100 * MiB]]);
      const run = execa(process.execPath, [program, '--json', 'run', 'nightly.yaml'], {
        cwd: work.folder,
        reject: false,
      });
      const compressing = (): boolean =>
        readdirSync(work.folder, { recursive: true, encoding: 'utf8' }).some((name) =>
          name.endsWith('.qcow2.sendense-part'),
        );
      await vi.waitFor(() => expect(compressing()).toBe(true), { timeout: 200_000, interval: 5 });
      run.kill(signal);
      const result = await run;
      expect(result.exitCode ?? -1, result.stdout).not.toBe(0);
      await work.call(['recover']);
      await vi.waitFor(() => expect(left(work)).toEqual([]), { timeout: 200_000, interval: 50 });
      await makeRaw(work.path('disk0.raw'), 2 * MiB, [[0, MiB]]);
      await next(work, 0);
      expect(left(work)).toEqual([]);
    },
    300_000,
  );

  test('the plan counts before the repository', async () => {
    await using work = await workspace({ settings: settings('compress: zstd') });
    await encrypted(work);
    await work.write('nightly.yaml', backupPlan(['disk0.raw'], 'compress: none\n'));
    const { id } = await next(work, 0);
    expect((await manifestOf(work, id)).disks[0]?.compression ?? null).toBe(null);
  }, 300_000);

  test('encryption and compression together are refused', async () => {
    await using work = await workspace({ settings: withKey() });
    await encrypted(work);
    await work.write('nightly.yaml', backupPlan(['disk0.raw'], 'compress: zstd\n'));
    const refused = await work.call(['run', 'nightly.yaml']);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/settings\/compress-encrypted/);
    expect(filesIn(work.folder).filter((path) => path.includes('qcow2'))).toEqual([]);
  }, 300_000);
});
