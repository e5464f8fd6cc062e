import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testProgram } from '../programs.ts';
import { canAttach, loopDevice } from '../support/loop-device.ts';
import { backupPlan, makeRaw, workspace, type Workspace } from './workspace.ts';

const MiB = 2 ** 20;
const killedRun = testProgram('e2e/killed-run-child');

describe.skipIf(!canAttach)('restore to block devices', { timeout: 300_000 }, () => {
  let work: Workspace;
  const stack = new AsyncDisposableStack();
  const devices: string[] = [];
  beforeAll(async () => {
    work = await workspace();
    const sizes = [9.5 * MiB, 4 * MiB];
    for (const [number, size] of sizes.entries()) {
      await makeRaw(work.path(`disk${number}.raw`), size, [[0, 2 * MiB]]);
      devices.push(stack.use(await loopDevice(work.path(`${number}.device`), 12 * MiB)).path);
    }
    await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.raw']));
    const { exitCode, stderr } = await work.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
  });
  afterAll(async () => {
    await stack.disposeAsync();
    await work[Symbol.asyncDispose]();
  });

  const to = (): string => `device:${devices.map((device, number) => `disk-${number}=${device}`).join(',')}`;
  const holds = (number: number): boolean => {
    const disk = readFileSync(work.path(`disk${number}.raw`));
    return readFileSync(devices[number] ?? '')
      .subarray(0, disk.length)
      .equals(disk);
  };

  it('shows what would be lost, asks for --overwrite, and writes every byte', async () => {
    writeFileSync(devices[1] ?? '', Buffer.alloc(12 * MiB, 'old'));
    await execa('mkfs.ext4', ['-q', '-F', '-L', 'precious', devices[0] ?? '']);
    const refused = await work.call(['restore', 'pgtest1', '--to', to()]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`${devices[0]} holds ext4 "precious"; nothing was written`);
    const shown = await work.call(['restore', 'pgtest1', '--to', to(), '--overwrite', '--dry-run']);
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('what it holds is lost: ext4 "precious"');
    expect(holds(0)).toBe(false);
    const done = await work.call(['restore', 'pgtest1', '--to', to(), '--overwrite']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain(devices[0]);
    expect([holds(0), holds(1)]).toEqual([true, true]);
  });

  it('one disk needs no number, and words that name no device are refused', async () => {
    const [device = ''] = devices;
    await execa('wipefs', ['-aq', device]);
    const done = await work.call(['restore', 'pgtest1', '--disk', '0', '--to', `device:${device}`, '--overwrite']);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(holds(0)).toBe(true);
    const left = await work.call(['restore', 'pgtest1', '--disk', '0', '--to', to(), '--overwrite']);
    expect(left.exitCode).toBe(1);
    expect(left.stderr).toContain('a device is named for disk-1, and only disk-0 would be restored');
    for (const [where, text] of [
      [`device:${device}`, 'is one device, and there are 2 disks'],
      ['device:', 'names no device'],
      ['device:disk-0=sdb', 'names no device'],
      [`device:${work.path('disk0.raw')},1=/dev/null`, 'names no device'],
    ] as const) {
      const refused = await work.call(['restore', 'pgtest1', '--to', where]);
      expect(refused.exitCode, where).not.toBe(0);
      expect(refused.stderr, where).toContain(text);
    }
  });

  it.each([
    ['restore.write', 'after', false],
    ['restore.verify', 'after', false],
    ['restore.publish', 'before', false],
    ['restore.publish', 'after', true],
  ] as const)(
    'kill -9 at %s (%s): until the disk is whole the device is taken for nothing, and recover takes the mark away',
    async (uses, when, isThere) => {
      const [device = ''] = devices;
      const plan = `kind: restore\nname: back\nvm: { name: pgtest1 }\nrepository: primary\ndisks: [0]\nto: { device: ${device}, overwrite: true }\n`;
      await work.write('back.yaml', plan);
      const killed = await execa(process.execPath, [killedRun, work.path('back.yaml'), uses, when], { reject: false });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      expect(readFileSync(device).subarray(0, 19).toString() === 'sendense-restore/1 ').toBe(!isThere);
      expect((await execa('wipefs', ['-n', device])).stdout).toBe('');
      expect((await work.call(['recover'])).exitCode).toBe(0);
      expect(readFileSync(device).subarray(0, MiB).equals(Buffer.alloc(MiB))).toBe(!isThere);
      expect(holds(0)).toBe(isThere);
      expect((await work.run('back.yaml')).exitCode).toBe(0);
      expect(holds(0)).toBe(true);
    },
  );
});
