import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { copyPoints, type CopyRequest } from '../../../src/hub/repositories/copy-points.ts';
import { maintenanceRun } from '../../../src/hub/repositories/maintenance-run.ts';
import { localReceiver } from '../../../src/hub/repositories/receiver.ts';
import { serveReceiver } from '../../../src/hub/repositories/serve-receiver.ts';
import { checkRepository } from '../../../src/hub/check/check-repository.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { acquireLock } from '../../../src/state/runs/locks.ts';
import { findPoint, points } from '../../../src/state/points/restore-points.ts';
import { marksOf } from '../../../src/state/points/point-marks.ts';
import { usePoint, usersOf } from '../../../src/state/points/point-uses.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { sha256OfFile } from '../../../src/repository/sha256-of-file.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../../steps/backup-run.ts';
import { listing, stepBench, type StepBench } from '../../steps/step-bench.ts';
import { startSshd } from '../../support/sshd.ts';

// Whole backups on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const settings: Partial<Settings> = {
  repositories: { primary: { path: './repository', minFree: 0 }, second: { path: './second', minFree: 0 } },
};

let template: Promise<StepBench> | undefined;

afterAll(async () => void (await (await template)?.[Symbol.asyncDispose]()));

/** Three restore points in two chains, b1 <- b2 and b3, of a VM with two disks; what its disks held is in b1.raw and so on. */
async function makeTemplate(): Promise<StepBench> {
  const bench = await stepBench(settings);
  const disks = ['a.raw', 'b.raw'];
  await makeRaw(bench.folder.file('a.raw'), 8 * MiB, [0, 3 * MiB]);
  await makeRaw(bench.folder.file('b.raw'), 4 * MiB, [MiB, MiB]);
  for (const [number, mode] of (['auto', 'auto', 'full'] as const).entries()) {
    await writeInto(bench.folder.file('a.raw'), [number * MiB, 4096]);
    await backup(bench, { run: `run-00000${number}`, disks, mode });
    await execa('cp', ['--sparse=always', bench.folder.file('a.raw'), bench.folder.file(`b${number + 1}.raw`)]);
  }
  return bench;
}

interface Two extends AsyncDisposable {
  readonly bench: StepBench;
  readonly ids: readonly [string, string, string];
  readonly first: string;
  readonly second: string;
  copy(more?: Partial<CopyRequest>): ReturnType<typeof copyPoints>;
}

async function two(): Promise<Two> {
  template ??= makeTemplate();
  const bench = await stepBench(settings, (await template).folder.path);
  return {
    bench,
    ids: points(bench.state).map((point) => point.backup_id) as unknown as Two['ids'],
    first: bench.folder.file('repository'),
    second: bench.folder.file('second'),
    copy: (more = {}) =>
      copyPoints(bench.services, { target: { vm: 'pgtest1' }, from: 'primary', to: 'second', move: false, ...more }),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** Path, size, time in nanoseconds, mode and digest of every file of the VM. */
async function factsOf(root: string): Promise<string[]> {
  const entries = await readdir(join(root, 'pgtest1'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const facts = files.map(async (file) => {
    const info = await stat(file, { bigint: true });
    // The manifest's own time is nobody's business.
    const time = file.endsWith('.json') ? '' : info.mtimeNs;
    return `${file.slice(root.length)} ${info.size} ${time} ${(info.mode & 0o777n).toString(8)} ${await sha256OfFile(file)}`;
  });
  return (await Promise.all(facts)).toSorted();
}

const soundness = async (root: string): Promise<unknown[]> =>
  (await checkRepository({ root, deep: true, known: () => new Map(), claimed: () => new Set() })).findings.filter(
    ({ code }) => code !== 'database.missing',
  );

const sameAs = async (image: string, raw: string): Promise<boolean> =>
  (await execa('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', image, raw], { reject: false })).exitCode === 0;

test('all of a VM: every file with its time, both chains sound, known to the database; again sends nothing', async () => {
  await using it = await two();
  const output = await it.copy();
  expect(output).toMatchObject({
    vm: 'pgtest1',
    from: 'primary',
    to: 'second',
    files_sent: 12,
    files_present: 0,
    warnings: [],
  });
  expect(output.points.map(({ backup_id, state, removed }) => [backup_id, state, removed])).toEqual(
    it.ids.map((id) => [id, 'copied', false]),
  );
  expect(await factsOf(it.second)).toEqual(await factsOf(it.first));
  expect(await soundness(it.second)).toEqual([]);
  for (const [index, id] of it.ids.entries()) {
    expect(await sameAs(join(it.second, `pgtest1/disk-0/${id}.qcow2`), it.bench.folder.file(`b${index + 1}.raw`))).toBe(
      true,
    );
    expect(findPoint(it.bench.state, { repository: 'second', context: 'pgtest1', backupId: id })?.checksum).toBe(
      findPoint(it.bench.state, { repository: 'primary', context: 'pgtest1', backupId: id })?.checksum,
    );
  }
  expect(await it.copy()).toMatchObject({
    bytes_sent: 0,
    files_sent: 0,
    points: it.ids.map(() => ({ state: 'present' })),
  });
});

test('one restore point comes with all that it is built on, and nothing else', async () => {
  await using it = await two();
  const [b1, b2, b3] = it.ids;
  expect((await it.copy({ target: { point: b2 } })).points.map((point) => point.backup_id)).toEqual([b1, b2]);
  expect(await soundness(it.second)).toEqual([]);
  expect((await it.copy({ target: { point: b3 } })).points.map((point) => point.backup_id)).toEqual([b3]);
  expect(await factsOf(it.second)).toEqual(await factsOf(it.first));
});

describe('what an earlier copy left', () => {
  test('whole files are proven and kept, the beginning of one is gone on with, a damaged beginning is sent again', async () => {
    await using it = await two();
    const [b1, b2] = it.ids;
    const path = (id: string, disk: number): string => `pgtest1/disk-${disk}/${id}.qcow2`;
    await mkdir(join(it.second, 'pgtest1/disk-0'), { recursive: true });
    await mkdir(join(it.second, 'pgtest1/disk-1'), { recursive: true });
    await execa('cp', [join(it.first, 'sendense-repository.json'), it.second]);
    // Another repository than the first.
    await writeFile(
      join(it.second, 'sendense-repository.json'),
      (await readFile(join(it.first, 'sendense-repository.json'), 'utf8')).replace(
        /"id": "[0-9a-f]{8}/,
        '"id": "00000000',
      ),
    );
    await execa('cp', [join(it.first, path(b1, 1)), join(it.second, path(b1, 1))]);
    const half = join(it.second, `${path(b1, 0)}.sendense-part`);
    await execa('cp', [join(it.first, path(b1, 0)), half]);
    await chmod(half, 0o600);
    await truncate(half, 2 * MiB);
    const damaged = join(it.second, `${path(b2, 0)}.sendense-part`);
    await writeFile(damaged, 'nothing of it');
    const output = await it.copy({ target: { point: b2 } });
    const size = async (id: string, disk: number): Promise<number> => (await stat(join(it.first, path(id, disk)))).size;
    const index = async (id: string, disk: number): Promise<number> =>
      (await stat(join(it.first, path(id, disk).replace('qcow2', 'index')))).size;
    expect(output.files_present).toBe(1);
    expect(output.points[0]?.bytes).toBe((await size(b1, 0)) - 2 * MiB + (await index(b1, 0)) + (await index(b1, 1)));
    expect(output.points[1]?.bytes).toBe(
      2 * (await size(b2, 0)) -
        'nothing of it'.length +
        (await size(b2, 1)) +
        (await index(b2, 0)) +
        (await index(b2, 1)),
    );
    expect(await soundness(it.second)).toEqual([]);
  });

  test('stopped in the middle: nothing of the restore point counts, and the next copy ends it', async () => {
    await using it = await two();
    const stop = new AbortController();
    const reason = new Error('stopped');
    const onProgress = (path: string, done: number): void => {
      if (path.includes('disk-1') && done > MiB) stop.abort(reason);
    };
    await expect(it.copy({ signal: stop.signal, onProgress })).rejects.toBe(reason);
    expect(points(it.bench.state, { repository: 'second' })).toEqual([]);
    expect((await readdir(join(it.second, 'pgtest1'))).filter((name) => name.endsWith('.json'))).toEqual([]);
    const output = await it.copy();
    expect(output.files_present).toBeGreaterThan(0);
    expect(await factsOf(it.second)).toEqual(await factsOf(it.first));
  });

  test('a manifest that is there and that the database does not know is entered', async () => {
    await using it = await two();
    await it.copy();
    it.bench.state.run(
      it.bench.state.query.deleteFrom('backups').where('repository', '=', 'second').where('backup_id', '=', it.ids[2]),
    );
    await it.copy();
    expect(points(it.bench.state, { repository: 'second' })).toHaveLength(3);
  });
});

describe('nothing is copied', () => {
  const cases: readonly [string, string, RegExp, (it: Two) => Promise<unknown>][] = [
    [
      'a restore point of the same id is another one there',
      'repository.conflict',
      /is not the same/,
      async (it) => {
        await it.copy();
        const path = join(it.second, `pgtest1/${it.ids[2]}.json`);
        const { manifestChecksum } = await import('../../../src/repository/manifest.ts');
        const manifest = {
          ...(JSON.parse(await readFile(path, 'utf8')) as Parameters<typeof manifestChecksum>[0]),
          plan: 'another',
        };
        await chmod(path, 0o644);
        await writeFile(path, JSON.stringify({ ...manifest, checksum: manifestChecksum(manifest) }));
      },
    ],
    [
      'a disk has another number there',
      'repository.conflict',
      /disk-7 of pgtest1 is disk/,
      async (it) => {
        await it.copy({ target: { point: it.ids[2] } });
        const { query } = it.bench.state;
        it.bench.state.run(query.deleteFrom('backups').where('repository', '=', 'second'));
        it.bench.state.run(
          query.updateTable('vm_disks').set({ number: 7 }).where('repository', '=', 'second').where('number', '=', 0),
        );
        await rm(join(it.second, 'pgtest1'), { recursive: true });
      },
    ],
    [
      'a block index is damaged',
      'repository.damaged',
      /is not as its manifest says/,
      async (it) => {
        const path = join(it.first, `pgtest1/disk-0/${it.ids[0]}.index`);
        await chmod(path, 0o644);
        const bytes = await readFile(path);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    ],
    [
      'an image has another size',
      'repository.damaged',
      /were committed/,
      async (it) => {
        const path = join(it.first, `pgtest1/disk-0/${it.ids[0]}.qcow2`);
        await chmod(path, 0o644);
        await appendFile(path, 'x');
      },
    ],
    [
      'a manifest is damaged',
      'repository.damaged',
      /is not JSON/,
      async (it) => {
        const path = join(it.first, `pgtest1/${it.ids[1]}.json`);
        await chmod(path, 0o644);
        await writeFile(path, '{');
      },
    ],
    [
      'a run works on the VM',
      'run.locked',
      /run-000001 works on pgtest1/,
      (it) => Promise.resolve(acquireLock(it.bench.state, 'primary/pgtest1', 'run-000001', () => true)),
    ],
    [
      'a run works on the VM there',
      'run.locked',
      /run-000001 works on pgtest1/,
      (it) => Promise.resolve(acquireLock(it.bench.state, 'second/pgtest1', 'run-000001', () => true)),
    ],
  ];
  test.each(cases)('where %s', async (_what, code, message, prepare) => {
    await using it = await two();
    await prepare(it);
    const before = points(it.bench.state, { repository: 'second' }).length;
    await expect(it.copy()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(points(it.bench.state, { repository: 'second' })).toHaveLength(before);
  });

  test('where it would not fit', async () => {
    await using it = await two();
    const small = {
      ...it.bench.services,
      settings: {
        ...it.bench.services.settings,
        repositories: {
          ...it.bench.services.settings.repositories,
          second: { path: './second', minFree: 0, quota: '5MiB' },
        },
      },
    };
    await expect(
      copyPoints(small, { target: { vm: 'pgtest1' }, from: 'primary', to: 'second', move: false }),
    ).rejects.toMatchObject({ code: 'repository.full' });
  });

  test('of a repository onto itself', async () => {
    await using it = await two();
    await rm(it.second, { recursive: true, force: true });
    await execa('ln', ['-s', it.first, it.second]);
    await expect(it.copy()).rejects.toMatchObject({
      code: 'repository.conflict',
      message: expect.stringMatching(/same repository/) as string,
    });
  });
});

describe('move', () => {
  test('removes here what is committed there, and the next backup there is an incremental', async () => {
    await using it = await two();
    const before = await factsOf(it.first);
    const output = await it.copy({ move: true });
    expect(output.points.map(({ removed, kept_because: why }) => [removed, why])).toEqual(
      it.ids.map(() => [true, null]),
    );
    expect(await factsOf(it.second)).toEqual(before);
    expect(await listing(it.first)).toEqual([expect.stringMatching(/^sendense-repository\.json /)]);
    expect(points(it.bench.state).map((point) => point.repository)).toEqual(['second', 'second', 'second']);
    expect(await soundness(it.second)).toEqual([]);
    await expect(it.copy({ move: true })).rejects.toMatchObject({ code: 'point.unknown' });
  });

  test('removes nothing where what is there already is damaged, and sends what is missing there', async () => {
    await using it = await two();
    await it.copy();
    const damaged = join(it.second, `pgtest1/disk-0/${it.ids[1]}.qcow2`);
    const bytes = await readFile(damaged);
    await rm(damaged);
    await writeFile(damaged, bytes.fill(7, bytes.length - 10));
    const before = await factsOf(it.first);
    await expect(it.copy({ move: true })).rejects.toMatchObject({ code: 'repository.conflict' });
    expect(await factsOf(it.first)).toEqual(before);
    await rm(damaged);
    expect(await it.copy({ move: true })).toMatchObject({ files_sent: 1, files_present: 11 });
    expect(await factsOf(it.second)).toEqual(before);
  });

  test('what is protected here is protected there, also where it has marks of its own', async () => {
    await using it = await two();
    await it.copy();
    const [, id] = it.ids;
    const broken = { since: 1, disks: [], reason: 'somebody said so', run_id: null };
    await writeMarks(it.second, 'pgtest1', id, { broken });
    const kept = { since: 1, until: null, reason: 'before the migration', by: 'somebody' };
    await writeMarks(it.first, 'pgtest1', id, { protected: kept });
    await it.copy({ move: true });
    expect(await readMarks(it.second, 'pgtest1', id)).toMatchObject({ protected: kept, broken });
    const second = { repository: 'second', context: 'pgtest1' };
    expect(marksOf(it.bench.state, second).get(`pgtest1/${id}`)?.protected).toEqual(kept);
  });

  test('what is copied is used from the first look until it has ended', async () => {
    await using it = await two();
    let seen: string[] = [];
    const from = { repository: 'primary', context: 'pgtest1' };
    await it.copy({ onProgress: () => (seen = [...usersOf(it.bench.state, from).keys()]) });
    expect(seen.toSorted()).toEqual([...it.ids]);
    expect(usersOf(it.bench.state, from).size).toBe(0);
  });

  test('leaves what others are built on and what a run reads, and says so', async () => {
    await using it = await two();
    const [b1, b2, b3] = it.ids;
    expect((await it.copy({ target: { point: b1 }, move: true })).points).toMatchObject([
      { removed: false, kept_because: `${b2} is built on it` },
    ]);
    usePoint(it.bench.state, 'run-000001', { repository: 'primary', context: 'pgtest1', backupId: b3 });
    const output = await it.copy({ move: true });
    expect(output.points.map(({ backup_id, removed, kept_because: why }) => [backup_id, removed, why])).toEqual([
      [b1, true, null],
      [b2, true, null],
      [b3, false, 'run run-000001 reads it'],
    ]);
    expect(points(it.bench.state, { repository: 'primary' }).map((point) => point.backup_id)).toEqual([b3]);
    expect(await soundness(it.first)).toEqual([]);
    expect(await soundness(it.second)).toEqual([]);
  });
});

describe('over SSH', () => {
  /** A hub with a repository `archive` that nobody has used yet. */
  const otherHub = async (it: Two): Promise<{ command: string; root: string }> => {
    const folder = it.bench.folder.file('other-hub');
    await mkdir(folder);
    const root = join(folder, 'archive');
    await writeFile(join(folder, 'sendense.yaml'), `version: 1\nrepositories:\n  archive: { path: ${root} }\n`);
    return { command: `${process.cwd()}/sendense-run -c ${folder}/sendense.yaml repo receive ${root}`, root };
  };

  test(
    'a copy is known to the other hub, byte for byte; a wrong host key stops before anything',
    { timeout: 300_000 },
    async () => {
      await using it = await two();
      await using sshd = await startSshd(it.bench.folder.file('sshd'));
      const { command, root } = await otherHub(it);
      const privateKey = await readFile(sshd.keyFile, 'utf8');
      const { makeKeyPair } = await import('../../../src/host/ssh/keys.ts');
      const wrong = { ...sshd.server, hostKeys: [makeKeyPair('wrong').publicKey] };
      await expect(it.copy({ to: { server: wrong, privateKey, command } })).rejects.toMatchObject({
        code: 'ssh.host-key',
      });
      const output = await it.copy({ to: { server: sshd.server, privateKey, command } });
      expect(output).toMatchObject({ files_sent: 12, warnings: [] });
      expect(await factsOf(root)).toEqual(await factsOf(it.first));
      expect(await soundness(root)).toEqual([]);
      const listed = await execa(`${process.cwd()}/sendense-run`, [
        '-c',
        it.bench.folder.file('other-hub/sendense.yaml'),
        'list',
        '--json',
      ]);
      expect(
        (JSON.parse(listed.stdout) as { points: { backup_id: string }[] }).points.map((point) => point.backup_id),
      ).toEqual(it.ids);
      expect(await it.copy({ to: { server: sshd.server, privateKey, command } })).toMatchObject({ bytes_sent: 0 });
      const elsewhere = command.replace(/receive .*/, 'receive /nowhere');
      await expect(it.copy({ to: { server: sshd.server, privateKey, command: elsewhere } })).rejects.toMatchObject({
        code: expect.stringMatching(/repository.unusable|ssh.lost/) as string,
        message: expect.stringMatching(/archive at/) as string,
      });
    },
  );

  test('the other hub killed in the middle is an error, and the next copy goes on', { timeout: 300_000 }, async () => {
    await using it = await two();
    await using sshd = await startSshd(it.bench.folder.file('sshd'));
    const { command, root } = await otherHub(it);
    const privateKey = await readFile(sshd.keyFile, 'utf8');
    const to = { server: sshd.server, privateKey, command };
    let killed = false;
    const onProgress = (path: string): void => {
      if (killed || !path.includes('disk-1')) return;
      killed = true;
      for (const pid of sshd.sessions()) process.kill(pid, 'SIGKILL');
    };
    await expect(it.copy({ to, onProgress })).rejects.toMatchObject({ code: 'ssh.lost' });
    const output = await it.copy({ to });
    expect(output.files_present).toBeGreaterThan(0);
    expect(await factsOf(root)).toEqual(await factsOf(it.first));
  });
});

test('a receiver takes no file of another VM and none outside of its folder', async () => {
  await using it = await two();
  for (const path of [
    '../pgtest1/disk-0/x.qcow2',
    'other/disk-0/x.qcow2',
    'pgtest1/../other/disk-0/x.qcow2',
    '/etc/x.index',
    'pgtest1/x.json',
    'pgtest1/disk-0/.x.qcow2',
  ]) {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    const served = maintenanceRun(
      it.bench.state,
      { name: 'repo-receive', vm: '*', repository: 'second' },
      async (run) => {
        await using receiver = localReceiver(it.bench.services, 'second', run);
        await serveReceiver(input, output, receiver);
      },
    );
    input.write(`${JSON.stringify({ op: 'hello', version: 1, context: 'pgtest1' })}\n`);
    input.end(`${JSON.stringify({ op: 'begin', path, bytes: 1 })}\n`);
    await expect(served).rejects.toMatchObject({ code: 'repository.conflict' });
  }
  expect(await listing(it.second)).toEqual([expect.stringMatching(/^sendense-repository\.json /)]);
});

test('killed at any moment, the copy that follows ends what it began', { timeout: 300_000 }, async () => {
  await using it = await two();
  const config = it.bench.folder.file('sendense.yaml');
  await writeFile(
    config,
    'version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository }\n  second: { path: ./second }\n',
  );
  const args = ['-c', config, 'repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'second', '--json'];
  for (const wanted of ['pgtest1/disk-0', 'pgtest1/disk-1', `pgtest1/${it.ids[0]}.json`, `pgtest1/${it.ids[1]}.json`]) {
    const child = spawn(`${process.cwd()}/sendense-run`, args, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (child.exitCode === null && !(await stat(join(it.second, wanted)).catch(() => null)))
      await new Promise((next) => setImmediate(next));
    child.kill('SIGKILL');
    await ended;
    const found = (await stat(it.second).catch(() => null)) ? await soundness(it.second) : [];
    expect(found.filter((finding) => (finding as { severity: string }).severity === 'error')).toEqual([]);
  }
  const last = await execa(`${process.cwd()}/sendense-run`, args, { reject: false });
  expect(last.exitCode, last.stderr).toBe(0);
  expect(await factsOf(it.second)).toEqual(await factsOf(it.first));
});
