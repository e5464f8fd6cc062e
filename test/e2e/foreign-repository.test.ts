/**
 * Somebody else's repository: whatever its files name, no program opens it. strace(1) tells what was opened, and a server whether
 * somebody came.
 */
import { execa } from 'execa';
import { cp, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { all } from '../support/rounds.ts';
import { backupPlan, makeRaw, program, workspace, type Workspace } from './workspace.ts';

const KiB = 1024;

let prepared: Workspace;
let full = '';
let incremental = '';
let visits = 0;
const server = createServer((socket) => {
  visits++;
  socket.destroy();
});

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  prepared = await workspace();
  await makeRaw(prepared.path('disk0.raw'), 1024 * KiB, [[0, 256 * KiB]]);
  await prepared.write('plan.yaml', backupPlan(['./disk0.raw']));
  const first = await prepared.run('plan.yaml');
  await makeRaw(prepared.path('disk0.raw'), 1024 * KiB, [[0, 128 * KiB]]);
  const second = await prepared.run('plan.yaml');
  [full, incremental] = [first.finished.backup_id ?? '', second.finished.backup_id ?? ''];
});

afterAll(async () => {
  server.close();
  await prepared[Symbol.asyncDispose]();
});

interface Foreign extends AsyncDisposable {
  readonly folder: string;
  /** A file of this machine that is none of the repository's. */
  readonly secret: string;
  image(id: string): string;
  /** Puts bytes in the place of a file, as long as that was. */
  replace(file: string, bytes: Uint8Array): Promise<void>;
}

async function foreign(): Promise<Foreign> {
  const own = await workspace();
  await cp(prepared.folder, own.folder, { recursive: true, preserveTimestamps: true, force: true });
  const secret = own.path('host-secret.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', secret, '1M']);
  return {
    folder: own.folder,
    secret,
    image: (id) => own.path('repository', 'pgtest1', 'disk-0', `${id}.qcow2`),
    async replace(file, bytes) {
      const { length } = await readFile(file);
      expect(bytes.length).toBeLessThanOrEqual(length);
      await rm(file);
      await writeFile(file, Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]));
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

/** What strace saw of a call: names of files that were opened, by ours and all programs that it started. */
async function traced(
  { folder }: Foreign,
  ...args: string[]
): Promise<{ exitCode: number; said: string; opened: string }> {
  const log = join(folder, 'trace');
  const strace = [
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-s',
    '512',
    '-o',
    log,
    '-e',
    'trace=open,openat,openat2,connect',
    '--',
  ];
  const result = await execa('strace', [...strace, process.execPath, program, ...args], {
    cwd: folder,
    reject: false,
    timeout: 300_000,
    env: { NO_COLOR: '1' },
  });
  return {
    exitCode: result.exitCode ?? -1,
    said: `${result.stdout}\n${result.stderr}`,
    opened: await readFile(log, 'utf8'),
  };
}

const expectNothingElseOpened = ({ opened }: { opened: string }): void => {
  expect(opened).toContain('sendense-repository.json');
  expect(opened.split('\n').filter((line) => line.includes('host-secret') && !line.includes('ENOENT'))).toEqual([]);
};

const rebase = async (file: string, ...backing: readonly string[]): Promise<void> => {
  await execa('chmod', ['u+w', file]);
  await execa('qemu-img', ['rebase', '-u', '-f', 'qcow2', ...backing, file]);
};

/** A descriptor whose data are in another file. */
const vmdk = (extent: string): Buffer =>
  Buffer.from(
    [
      '# Disk DescriptorFile',
      'version=1',
      'CID=fffffffe',
      'parentCID=ffffffff',
      'createType="monolithicFlat"',
      `RW 2048 FLAT "${extent}" 0`,
      '',
    ].join('\n'),
  );

const attacks: readonly (readonly [string, (it: Foreign) => Promise<void>, RegExp])[] = [
  [
    'a full that is a VMDK descriptor, below an image that says so',
    async (it) => {
      await it.replace(it.image(full), vmdk(it.secret));
      await rebase(it.image(incremental), '-b', `${full}.qcow2`, '-F', 'vmdk');
    },
    /has to be qcow2|is not a qcow2 file/,
  ],
  [
    'a full that is built on a file of the host',
    async (it) => rebase(it.image(full), '-b', it.secret, '-F', 'qcow2'),
    /is not a file beside it/,
  ],
  [
    'a full that is built on a server',
    async (it) =>
      rebase(it.image(full), '-b', `nbd://127.0.0.1:${(server.address() as AddressInfo).port}/x`, '-F', 'raw'),
    /is not a file beside it/,
  ],
  [
    'a full that is built on a file beside it',
    async (it) => {
      await symlink(it.secret, join(dirname(it.image(full)), 'beside.qcow2'));
      await rebase(it.image(full), '-b', 'beside.qcow2', '-F', 'qcow2');
    },
    /none was committed/,
  ],
  [
    'data in another file',
    async (it) => {
      const made = join(it.folder, 'made.qcow2');
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${it.secret}.raw`, made, '1M']);
      await it.replace(it.image(full), (await readFile(made)).subarray(0, 64 * KiB));
      await rename(`${it.secret}.raw`, it.secret);
    },
    /data in another file/,
  ],
  [
    'a link in the place of an image',
    async (it) => {
      await rm(it.image(full));
      await symlink(it.secret, it.image(full));
    },
    /not a regular file|symbolic link/,
  ],
  [
    'a pipe in the place of an image',
    async (it) => {
      await rm(it.image(full));
      await execa('mkfifo', [it.image(full)]);
    },
    /not a regular file/,
  ],
  [
    'a link in the place of the folder of a disk',
    async (it) => {
      const disks = dirname(it.image(full));
      const elsewhere = join(it.folder, 'host-secret.qcow2.d');
      await rename(disks, elsewhere);
      await symlink(elsewhere, disks);
    },
    /lies outside of the repository/,
  ],
];

describe.each(attacks)('%s', (_name, attack, reason) => {
  test('is refused by import, and by all that read what was imported before', { timeout: 300_000 }, async () => {
    await using it = await foreign();
    await attack(it);
    const before = visits;
    await rename(join(it.folder, 'state'), join(it.folder, 'state-before'));
    const imported = await traced(it, 'repo', 'import', 'primary');
    expect(imported.exitCode).not.toBe(0);
    expect(imported.said).toMatch(reason);
    await rm(join(it.folder, 'state'), { recursive: true });
    await rename(join(it.folder, 'state-before'), join(it.folder, 'state'));
    const restored = await traced(it, 'restore', 'pgtest1', '--no-verify', '--to', './out');
    expect(restored.exitCode).not.toBe(0);
    expect(restored.said).toMatch(reason);
    const verified = await traced(it, 'verify', '--level', 'deep', '--points', 'all');
    expect(verified.exitCode).not.toBe(0);
    const checked = await traced(it, 'check');
    expect(checked.exitCode).not.toBe(0);
    for (const one of [imported, restored, verified, checked]) expectNothingElseOpened(one);
    expect(visits).toBe(before);
  });
});

// What these read is looked at in the same place; the short round has one attack by each way.
describe.each(all ? attacks : [...attacks.slice(0, 3), ...attacks.slice(4, 5)])('%s', (_name, attack) => {
  test('is refused by a merge and by a boot', { timeout: 300_000 }, async () => {
    await using it = await foreign();
    await attack(it);
    const before = visits;
    const keep = 'version: 1\nkind: prune\nname: prune\nrepository: primary\nvms: [pgtest1]\nretention: { last: 1 }\n';
    await writeFile(join(it.folder, 'prune.yaml'), keep);
    const merged = await traced(it, 'run', 'prune.yaml');
    expect(merged.said).toMatch(/stays for now: .*(is broken|is not as it was committed)/);
    const booted = await traced(it, 'verify', '--boot', '--serial', 'login:');
    expect(booted.exitCode, booted.said).not.toBe(0);
    for (const one of [booted, merged]) expectNothingElseOpened(one);
    expect(visits).toBe(before);
    // The restore point that was to go is there.
    expect(await readdir(join(it.folder, 'repository', 'pgtest1'))).toContain(`${full}.json`);
  });
});

test(
  'links and pipes in the place of manifests, marks and indexes are not followed',
  { timeout: 300_000 },
  async () => {
    await using it = await foreign();
    const context = join(it.folder, 'repository', 'pgtest1');
    await mkdir(join(it.folder, 'host-secret'));
    await writeFile(join(it.folder, 'host-secret', 'text'), 'root:secret words');
    await symlink(join(it.folder, 'host-secret', 'text'), join(context, `${full}.marks`));
    await rm(join(context, `${incremental}.json`));
    await execa('mkfifo', [join(context, `${incremental}.json`)]);
    await rm(join(it.folder, 'state'), { recursive: true });
    const imported = await traced(it, 'repo', 'import', 'primary');
    expect(imported.said).toMatch(/not a regular file/);
    expect(imported.said).toMatch(/symbolic link/);
    expect(imported.said).not.toContain('secret words');
    expect(imported.opened).not.toMatch(/host-secret.*= [0-9]/);
  },
);
