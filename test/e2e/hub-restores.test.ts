import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubRestore, HubRestores, PlanOutput, RunStartedOutput } from '../../src/schemas/types.ts';
import { askHub, logInAt, schema, whenEnded, type Answered, type Refused } from './ask-hub.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw, sameContent } from './workspace.ts';

const MiB = 2 ** 20;
const password = 'four random words here';

let hub: HubProgram;
let allowed: string;

beforeAll(async () => {
  hub = await hubProgram('hub.restoreTo: [./restored, /dev/sendense-none]');
  allowed = hub.folder.file('restored');
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await makeRaw(hub.folder.file('b.raw'), 2 * MiB, [[0, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw', 'b.raw']));
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  await mkdir(allowed, { mode: 0o700 });
  await mkdir(hub.folder.file('private'), { mode: 0o700 });
  await symlink(hub.folder.file('private'), hub.folder.file('restored', 'out'));
  for (const words of [
    ['run', 'nightly.yaml'],
    ['user', 'add', 'rosa', '--role', 'restorer', '--password-file', hub.folder.file('password')],
    ['user', 'add', 'olga', '--role', 'operator', '--password-file', hub.folder.file('password')],
    ['user', 'add', 'ron', '--role', 'restorer', '--vm', 'web*', '--password-file', hub.folder.file('password')],
  ]) {
    const { exitCode, stderr } = await hub.run(...words);
    if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }
});

afterAll(() => hub[Symbol.asyncDispose]());

const ask = <T>(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answered<T>> => askHub<T>(hub, method, path, body, headers);

describe('a restore over the API', () => {
  it('is shown first, which writes nothing, and then goes on by itself', async () => {
    const body = { vm: 'pgtest1', to: { directory: `${allowed}/monday`, format: 'qcow2' }, disks: [1] };
    const shown = await ask<PlanOutput>('POST', '/restores/preview', body);
    expect(shown.status, JSON.stringify(shown.body)).toBe(200);
    schema('output/plan.json', shown.body);
    expect(JSON.stringify(shown.body.steps)).toContain(`${allowed}/monday/disk-1.qcow2`);
    expect(existsSync(`${allowed}/monday`)).toBe(false);

    const key = { 'idempotency-key': 'monday' };
    const [begun, again] = await Promise.all([0, 1].map(() => ask<RunStartedOutput>('POST', '/restores', body, key)));
    expect([begun?.status, begun?.body.plan], JSON.stringify(begun?.body)).toEqual([202, 'restore-pgtest1']);
    expect(again?.body).toEqual(begun?.body);
    schema('hub/run-started.json', begun?.body);
    const id = begun?.body.run_id ?? '';
    expect(begun?.location).toBe(`/api/v1/runs/${id}`);
    expect((await whenEnded(hub, id)).status).toBe('succeeded');
    const { body: done } = await ask<HubRestore>('GET', `/restores/${id}`);
    schema('hub/restore.json', done);
    expect(done).toMatchObject({ status: 'complete', target: 'directory', why: 'the latest', error: null });
    expect(done.disks.map(({ path }) => path)).toEqual([`${allowed}/monday/disk-1.qcow2`]);
    expect(await sameContent(`${allowed}/monday/disk-1.qcow2`, hub.folder.file('b.raw'))).toBe(true);
    const listed = await ask<HubRestores>('GET', '/restores?vm=pgtest1');
    schema('hub/restores.json', listed.body);
    expect(listed.body.restores.map(({ run_id: run }) => run)).toEqual([id]);
    // A run that a request made is no plan that could be run again.
    expect((await ask<Refused>('POST', '/plans/restore-pgtest1/runs', {})).body.error.code).toBe('plan.unknown');
  });

  it('makes a VM for KVM, and says how to start it', async () => {
    const to = { kvm: `${allowed}/vm`, libvirt: 'none', memory: '256MiB', cpus: 1, name: 'monday' };
    const begun = await ask<RunStartedOutput>('POST', '/restores', { vm: 'pgtest1', point: 'today', to });
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    const run = await whenEnded(hub, begun.body.run_id);
    expect(run.error).toBeNull();
    const { body } = await ask<HubRestore>('GET', `/restores/${begun.body.run_id}`);
    schema('hub/restore.json', body);
    expect(body.machine).toMatchObject({ name: 'monday', started: false, start: `${allowed}/vm/start.sh` });
  });

  it('goes nowhere on the hub but where the settings say, whatever leads there', async () => {
    const files = await readdir(hub.folder.path);
    for (const [to, status, text] of [
      [{ directory: hub.folder.file('elsewhere') }, 403, `lies below none of ${allowed}`],
      [{ directory: `${allowed}/../elsewhere` }, 403, 'lies below none of'],
      [{ directory: `${allowed}/out/x` }, 403, 'lies below none of'],
      [{ kvm: `${allowed}-2` }, 403, 'to.kvm'],
      [{ ova: '/tmp/x.ova' }, 403, 'to.ova'],
      [{ directory: 'restored' }, 400, 'to.directory is not an absolute path'],
      [{ directory: [allowed] }, 400, 'to.directory is not an absolute path'],
      [{ device: '/dev/sda' }, 403, 'to.device'],
      [{ device: { 'disk-0': '/dev/sendense-none', 'disk-1': '/dev/sdb' } }, 403, 'to.device.disk-1'],
      [{ kvm: `${allowed}/x`, libvirt: 'qemu:///embed?root=/' }, 403, 'to.libvirt'],
      [{ kvm: `${allowed}/x`, convert: { to: 'virtio', virtioWin: '/etc/shadow' } }, 403, 'to.convert.virtioWin'],
      [{ directory: `${allowed}/x`, format: 'floppy' }, 400, 'to.format'],
      [{ directory: `${allowed}/x`, ova: `${allowed}/x.ova` }, 400, 'to'],
      [{ vsphere: 'none' }, 400, 'to.vsphere'],
      [{}, 400, 'to'],
    ] as const) {
      const refused = await ask<Refused>('POST', '/restores', { vm: 'pgtest1', to });
      expect([refused.status, refused.body.error.message], JSON.stringify(to)).toEqual([
        status,
        expect.stringContaining(text),
      ]);
    }
    for (const [body, status, text] of [
      [{ vm: 'ghost' }, 404, 'VM ghost has no restore points'],
      [{ vm: 'pgtest1', repository: 'none' }, 400, 'no repository none'],
      [{ vm: 'pgtest1', point: '2026-13-40' }, 400, 'point'],
      [{ vm: '${{ env.HOME }}' }, 400, 'begins an expression'],
      [{ vm: 'pgtest1', before: [{ run: ['id'] }] }, 400, 'before'],
      [{ vm: 'pgtest1', disks: [-1] }, 400, 'disks'],
    ] as const) {
      const refused = await ask<Refused>('POST', '/restores', { to: { directory: `${allowed}/x` }, ...body });
      expect([refused.status, refused.body.error.message], JSON.stringify(body)).toEqual([
        status,
        expect.stringContaining(text),
      ]);
    }
    const long = await ask<Refused>('POST', '/restores', {
      vm: 'pgtest1',
      point: 'none-such',
      to: { directory: `${allowed}/x` },
    });
    expect([long.status, long.body.error.code]).toEqual([404, 'point.unknown']);
    expect(await readdir(hub.folder.path)).toEqual(files);
    expect(existsSync(`${allowed}/x`)).toBe(false);
  });

  it('is for who may restore that VM, and wants the password again before it starts one', async () => {
    const [rosa, olga, ron] = await Promise.all(['rosa', 'olga', 'ron'].map((name) => logInAt(hub, name, password)));
    const to = { kvm: `${allowed}/started`, memory: '256MiB', start: true };
    const codeOf = async (who: Record<string, string> | undefined, path = '/restores'): Promise<string> =>
      (await ask<Refused>('POST', path, { vm: 'pgtest1', to }, who)).body.error.code;
    expect([await codeOf(olga), await codeOf(ron), await codeOf(ron, '/restores/preview')]).toEqual([
      'access.right',
      'point.unknown',
      'point.unknown',
    ]);
    const listed = await ask<HubRestores>('GET', '/restores', undefined, ron);
    expect(listed.body.restores).toEqual([]);
    const [made] = (await ask<HubRestores>('GET', '/restores', undefined, rosa)).body.restores;
    expect((await ask('GET', `/restores/${made?.run_id}`, undefined, ron)).status).toBe(404);
    hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
    expect(await codeOf(rosa)).toBe('access.stale');
    // Of what is made new and stays off nobody asks.
    const quiet = { directory: `${allowed}/rosa` };
    const begun = await ask<RunStartedOutput>('POST', '/restores', { vm: 'pgtest1', to: quiet }, rosa);
    expect(begun.status).toBe(202);
    // Who may restore may end a restore.
    expect((await ask('POST', `/runs/${begun.body.run_id}/cancel`, undefined, rosa)).status).toBe(202);
    await whenEnded(hub, begun.body.run_id);
    const { stdout } = await hub.run('audit', '--action', 'startRestore', '--json');
    expect(stdout).toContain('"who":"rosa"');
  });
});
