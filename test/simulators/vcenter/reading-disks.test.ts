import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { runTool } from '../../../src/host/programs/process.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { element, rawSoap } from './raw-soap.ts';
import { MiB, block, filled, workshop } from './workshop.ts';

const shop = workshop();

describe('the datastore over HTTPS', () => {
  test('wants a session or the password, and decodes names once or twice', async () => {
    const vm = await shop.machine();
    const stranger = rawSoap(shop.vcenter);
    expect((await stranger.get(shop.flat(vm))).status).toBe(401);
    expect((await stranger.get(shop.flat(vm), { auth: `${shop.vcenter.user}:wrong` })).status).toBe(401);
    expect((await stranger.get(shop.flat(vm), { auth: `${shop.vcenter.user}:${shop.vcenter.password}` })).status).toBe(
      200,
    );
    const head = await shop.soap.get(shop.flat(vm), { method: 'HEAD' });
    expect(head.headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-length': String(8 * MiB) });
    const path = shop.flat(vm).split('?')[0] ?? '';
    expect((await shop.soap.get(`${path}?dcPath=D%25431&dsName=Local%44S_0`, { method: 'HEAD' })).status).toBe(200);
    expect((await shop.soap.get(`${path}?dcPath=DC2&dsName=LocalDS_0`)).status).toBe(404);
    expect((await shop.soap.get(`${path}x?dcPath=DC1&dsName=LocalDS_0`)).status).toBe(404);
    await shop.vcenter.fault('folder-cut', { count: 1, bytes: 1000 });
    await expect(shop.soap.get(shop.flat(vm))).rejects.toThrow('aborted');
    await shop.vcenter.fault('folder-status', { count: 1, status: 503 });
    expect((await shop.soap.get(shop.flat(vm))).status).toBe(503);
  });

  test('and all else can be slow, hang, or be cut off', async () => {
    const vm = await shop.machine();
    await shop.vcenter.fault('slow', { count: 1, ms: 300, for: 'folder' });
    const started = Date.now();
    await shop.soap.get(shop.flat(vm), { method: 'HEAD' });
    expect(Date.now() - started).toBeGreaterThanOrEqual(290);
    await shop.vcenter.fault('drop', { count: 1, for: 'CurrentTime' });
    const time = (): Promise<string> => shop.soap.call('CurrentTime', 'ServiceInstance', 'ServiceInstance');
    await expect(time()).rejects.toThrow('socket hang up');
    await shop.vcenter.fault('hang', { count: 1 });
    await shop.vcenter.clearCalls();
    const letGo = async (): Promise<void> => {
      while ((await shop.vcenter.calls()).length === 0) await delay(5);
      await shop.vcenter.clearFaults();
    };
    await Promise.all([expect(time()).rejects.toThrow('socket hang up'), letGo()]);
    await shop.vcenter.fault('clock', { ms: 3_600_000 });
    expect(Date.parse(element(await time(), 'returnval')) - Date.now()).toBeGreaterThan(3_500_000);
  });
});

describe("nbdkit's vddk plugin with the stand-in library", () => {
  test('reads the disk as of the snapshot, with the right password only', async () => {
    const vm = await shop.machine({ disks: [{ capacity: MiB }] });
    await vm.write(0, block, filled(1));
    const snapshot = await shop.create(vm);
    await vm.write(0, block, filled(2));
    await using folder = await temporaryFolder();
    const copy = async (password: string): Promise<Buffer> => {
      await writeFile(folder.file('password'), password, { mode: 0o600 });
      const result = await runTool(
        'nbdkit',
        [
          '-r',
          '-U',
          '-',
          shop.vcenter.vddkPlugin ?? 'vddk',
          `libdir=${shop.vcenter.vddkLibdir}`,
          `server=${shop.vcenter.host}`,

          `user=${shop.vcenter.user}`,
          `password=+${folder.file('password')}`,
          `thumbprint=${shop.vcenter.thumbprintSha1}`,
          `vm=moref=${vm.moref}`,
          `snapshot=${snapshot}`,
          `file=[LocalDS_0] ${vm.name}/${vm.name}.vmdk`,
          '--run',
          'nbdcopy "$uri" - | base64 -w0',
        ],
        { env: shop.vcenter.vddkEnvironment, timeoutMs: 20_000 },
      );
      return Buffer.from(result.stdout, 'base64');
    };
    expect(await copy(shop.vcenter.password)).toEqual(await readFile(await vm.frozen(0, snapshot)));
    expect((await copy('wrong')).length).toBe(0);
    expect(readFileSync(shop.vcenter.vddkLog, 'utf8')).toContain('-> 3014');
    await shop.vcenter.vddkFault({ 'read-error-at': block });
    expect((await copy(shop.vcenter.password)).length).toBeLessThan(MiB);
    await shop.vcenter.vddkFault();
  });
});
