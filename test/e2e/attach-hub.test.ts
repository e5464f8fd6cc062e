/** A hub attaches and detaches disks of restore points for somebody elsewhere: by `--hub`, and by its routes. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttachedOutput, DetachOutput, PlanOutput, RunStartedOutput } from '../../src/schemas/types.ts';
import { makeRaw, MiB } from '../host/disk-images.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { startCarrier } from '../host/libvirt/start-carrier.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { startVcenter, type Vcenter } from '../simulators/vcenter/start-vcenter.ts';
import { randomBytes } from '../support/random.ts';
import { askHub, logInAt, schema, whenEnded, type Refused } from './ask-hub.ts';
import { hubProgram, resident, type HubProgram } from './hub-program.ts';
import { backupPlan } from './workspace.ts';

const timeout = 600_000;
const hasLibvirt =
  process.getuid?.() === 0 && existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

/** Variables of this process, for programs that it starts, until it is disposed of. */
function withVariables(variables: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return {
    [Symbol.dispose]: () => {
      for (const [name, value] of before)
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
    },
  };
}

/** Somebody on another machine: a folder with a token, and no settings. */
async function elsewhere(
  hub: HubProgram,
): Promise<TemporaryFolder & { call(...words: string[]): ReturnType<typeof resident> }> {
  const folder = await temporaryFolder();
  await writeFile(folder.file('token'), hub.token, { mode: 0o600 });
  const asked = ['--hub', hub.url, '--token-file', folder.file('token')];
  return { ...folder, call: (...words) => resident(folder.path, [...asked, ...words]) };
}

async function done(ended: ReturnType<typeof resident>): Promise<string> {
  const { exitCode, stdout, stderr } = await ended;
  expect(exitCode, stdout + stderr).toBe(0);
  return stdout;
}

const json = <T>(text: string, name: string): T => {
  const value = JSON.parse(text) as T;
  schema(name, value);
  return value;
};

describe.skipIf(!hasLibvirt)('in KVM', { timeout }, () => {
  const stack = new AsyncDisposableStack();
  let hub: HubProgram;
  let libvirt: OwnLibvirtd;
  let uuid: string;

  beforeAll(async () => {
    libvirt = stack.use(await ownLibvirtd());
    // Over HTTP nobody names another libvirt than that of the machine: the one of the test takes its place.
    const shim = stack.use(await temporaryFolder());
    const { stdout: virsh } = await execa('which', ['virsh']);
    const script = `#!/bin/sh\n[ "$3" = qemu:///system ] || exec ${virsh} "$@"\nshift 3\nexec ${virsh} --quiet --connect '${libvirt.uri}' "$@"\n`;
    await writeFile(shim.file('virsh'), script, { mode: 0o755 });
    stack.use(withVariables({ PATH: `${shim.path}:${process.env['PATH'] ?? ''}` }));
    hub = stack.use(await hubProgram('hub.restoreTo: [./images]'));
    const { file } = hub.folder;
    await mkdir(file('images'), { mode: 0o711 });
    for (const [name, mib] of [
      ['a.raw', 2],
      ['b.raw', 4],
      ['own.raw', 1],
    ] as const)
      await makeRaw(file(name), mib * MiB, [65_536, 100_000]);
    await writeFile(file('nightly.yaml'), backupPlan(['a.raw', 'b.raw']));
    await done(hub.run('run', file('nightly.yaml')));
    await writeFile(file('password'), 'four random words here\n', { mode: 0o600 });
    for (const [name, ...words] of [
      ['rosa', 'restorer'],
      ['olga', 'operator'],
      ['ron', 'restorer', '--vm', 'pg*'],
    ] as const)
      await done(hub.run('user', 'add', name, '--password-file', file('password'), '--role', ...words));
    await startCarrier(libvirt, 'web1', file('own.raw'));
    uuid = await libvirt.virsh('domuuid', 'web1');
  }, timeout);
  afterAll(() => stack.disposeAsync());

  async function expectGone(): Promise<void> {
    expect(await readdir(hub.folder.file('images'))).toEqual([]);
    expect(await libvirt.virsh('domblklist', 'web1')).not.toContain('sdb');
    expect(await libvirt.virsh('domstate', 'web1')).toBe('running');
  }

  test('by --hub: shown, attached, listed, refused twice, detached', async () => {
    await using from = await elsewhere(hub);
    const attach = (...words: string[]) =>
      from.call(
        'attach',
        'pgtest1',
        '--disk',
        '1',
        '--to',
        'kvm:web1',
        '--folder',
        hub.folder.file('images'),
        ...words,
      );
    expect(await done(attach('--dry-run'))).toContain('gets sdb (scsi) while it runs');
    await expectGone();
    expect(await done(attach())).toContain('has disk-1 of');
    const { disks } = json<AttachedOutput>(
      await done(from.call('attach', 'list', 'kvm:', '--json')),
      'output/attached.json',
    );
    expect(disks).toMatchObject([{ vm: 'web1', moref: uuid, disk: 'disk-1', address: 'scsi:sdb', problem: null }]);
    await execa('qemu-img', [
      'compare',
      '-U',
      '-f',
      'raw',
      '-F',
      'qcow2',
      hub.folder.file('b.raw'),
      disks[0]?.file ?? '',
    ]);
    const twice = await attach();
    expect([twice.exitCode, twice.stderr], twice.stdout).toEqual([1, expect.stringContaining('it has disk-1 of')]);
    const asked = await from.call('detach', 'web1', '--from', 'kvm:');
    expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining('say --yes')]);
    const other = await from.call('detach', 'web1', '--from', 'kvm:', '--disk', '0', '--yes');
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining('no such disk is attached')]);
    expect(await done(from.call('detach', 'web1', '--from', 'kvm:', '--yes'))).toContain('is detached from web1');
    await expectGone();
    for (const [words, status, text] of [
      [['--folder', '/tmp'], 12, 'lies below none of'],
      [['--folder', 'images'], 2, '--folder'],
      [['--libvirt', 'qemu+ssh://elsewhere/system'], 12, 'libvirt'],
      [['--to', 'kvm:none'], 1, 'libvirt (qemu:///system) has no VM none; VMs there: '],
    ] as const) {
      const refused = await attach(...words);
      expect([refused.exitCode, refused.stderr], words.join(' ')).toEqual([status, expect.stringContaining(text)]);
    }
    await expectGone();
  });

  test('by the routes: what a detach could not do is said with its code', async () => {
    const body = { vm: 'pgtest1', disks: [0, 1], to: { attachKvm: 'web1', folder: hub.folder.file('images') } };
    const shown = await askHub<PlanOutput>(hub, 'POST', '/restores/preview', body);
    expect(shown.status, JSON.stringify(shown.body)).toBe(200);
    const begun = await askHub<RunStartedOutput>(hub, 'POST', '/restores', body);
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    expect(await whenEnded(hub, begun.body.run_id)).toMatchObject({ status: 'succeeded' });
    const listed = await askHub<AttachedOutput>(hub, 'GET', '/kvm/attached?vm=web1');
    expect(listed.body.disks.map(({ disk }) => disk)).toEqual(['disk-0', 'disk-1']);
    const ids = listed.body.disks.map(({ id }) => id);
    const detach = (more: object, headers?: Record<string, string>) =>
      askHub<DetachOutput & Refused>(hub, 'POST', '/kvm/detach', { vm: uuid, disks: ids, ...more }, headers);
    for (const [more, status, code] of [
      [{ vm: 'web1' }, 400, 'request.invalid'],
      [{ disks: [] }, 400, 'request.invalid'],
      [{ disks: ['../x'] }, 400, 'request.invalid'],
      [{ libvirt: 'qemu+ssh://elsewhere/system' }, 400, 'request.invalid'],
      [{ disks: ['sendense-00000000000'] }, 404, 'attach.unknown'],
      [{ vm: '11111111-2222-4333-8444-555555555555' }, 404, 'attach.unknown'],
    ] as const) {
      const refused = await detach(more);
      expect([refused.status, refused.body.error.code], JSON.stringify(more)).toEqual([status, code]);
    }
    await libvirt.virsh('managedsave', 'web1');
    const saved = await detach({});
    expect([saved.status, saved.body.error.code], JSON.stringify(saved.body)).toEqual([422, 'target.unfit']);
    expect(saved.body.error.message).toContain('start the VM first');
    await libvirt.virsh('start', 'web1');
    // A restorer proves who they are again; an operator may not at all.
    const olga = await detach({}, await logInAt(hub, 'olga', 'four random words here'));
    expect([olga.status, olga.body.error.code]).toEqual([403, 'access.right']);
    // Whoever may see some VMs gives no disks to others.
    const ron = await logInAt(hub, 'ron', 'four random words here');
    for (const attachKvm of ['web1', uuid])
      for (const path of ['/restores', '/restores/preview']) {
        const other = { ...body, to: { ...body.to, attachKvm } };
        const refused = await askHub<Refused>(hub, 'POST', path, other, ron);
        expect([refused.status, refused.body.error.code]).toEqual([403, 'access.right']);
      }
    const gone = await detach({}, await logInAt(hub, 'rosa', 'four random words here'));
    expect(gone.status, JSON.stringify(gone.body)).toBe(200);
    expect(gone.body.removed.map(({ disk }) => disk)).toEqual(['disk-0', 'disk-1']);
    await expectGone();
  });
});

describe('in vSphere', { timeout }, () => {
  const stack = new AsyncDisposableStack();
  let hub: HubProgram;
  let vcenter: Vcenter;

  beforeAll(async () => {
    vcenter = stack.use(await startVcenter());
    stack.use(withVariables(vcenter.vddkEnvironment));
    const vddk = `{ libdir: ${vcenter.vddkLibdir}${vcenter.vddkPlugin === null ? '' : `, plugin: ${vcenter.vddkPlugin}`}, compression: none }`;
    hub = stack.use(
      await hubProgram(
        'sources:',
        `  test-vcenter: { type: vsphere, host: '${vcenter.host}:${vcenter.port}', user: ${vcenter.user}, password: { secret: { file: ./vcenter.password } }, thumbprint: '${vcenter.thumbprint}', transports: [vddk], vddk: ${vddk} }`,
      ),
    );
    await writeFile(hub.folder.file('vcenter.password'), vcenter.password, { mode: 0o600 });
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      disks: [{ capacity: 4 * MiB, content: randomBytes(2 * MiB) }],
    });
    const plan = `version: 1\nkind: backup\nname: nightly\nvm: { name: pgtest1, path: ${JSON.stringify(vm.path)}, source: test-vcenter }\nrepository: primary\n`;
    await writeFile(hub.folder.file('nightly.yaml'), plan);
    await done(hub.run('run', hub.folder.file('nightly.yaml')));
  }, timeout);
  afterAll(() => stack.disposeAsync());

  test('by --hub and by the routes: shown, attached, listed, detached', async () => {
    await using from = await elsewhere(hub);
    const before = await readdir(`${vcenter.folder}/LocalDS_0/pgtest1`);
    const attach = (...words: string[]) => from.call('attach', 'pgtest1', '--to', 'vsphere:test-vcenter', ...words);
    expect(await done(attach('--dry-run'))).toContain('while it runs');
    expect(await done(attach())).toContain('has disk-0 of');
    const text = await done(from.call('attach', 'list', 'test-vcenter', '--json'));
    const { disks } = json<AttachedOutput>(text, 'output/attached.json');
    expect(disks).toMatchObject([{ vm: 'pgtest1', disk: 'disk-0', problem: null }]);
    const listed = await askHub<AttachedOutput>(hub, 'GET', '/sources/test-vcenter/attached');
    expect(listed.body.disks).toEqual(disks);
    const twice = await attach();
    expect([twice.exitCode, twice.stderr]).toEqual([1, expect.stringContaining('it has disk-0 of')]);
    expect(await done(from.call('detach', 'pgtest1', '--from', 'vsphere:test-vcenter', '--yes'))).toContain(
      'is detached from pgtest1',
    );
    expect(await readdir(`${vcenter.folder}/LocalDS_0/pgtest1`)).toEqual(before);

    const to = { attach: 'test-vcenter' };
    const begun = await askHub<RunStartedOutput>(hub, 'POST', '/restores', { vm: 'pgtest1', to });
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    expect(await whenEnded(hub, begun.body.run_id)).toMatchObject({ status: 'succeeded' });
    const [disk] = (await askHub<AttachedOutput>(hub, 'GET', '/sources/test-vcenter/attached?vm=pgtest1')).body.disks;
    const body = { vm: disk?.moref, disks: [disk?.id] };
    const gone = await askHub<DetachOutput>(hub, 'POST', '/sources/test-vcenter/detach', body);
    expect(gone.status, JSON.stringify(gone.body)).toBe(200);
    expect(gone.body.removed).toMatchObject([{ disk: 'disk-0' }]);
    expect(await readdir(`${vcenter.folder}/LocalDS_0/pgtest1`)).toEqual(before);
    const again = await askHub<Refused>(hub, 'POST', '/sources/test-vcenter/detach', body);
    expect([again.status, again.body.error.code]).toEqual([404, 'attach.unknown']);
    const none = await askHub<Refused>(hub, 'GET', '/sources/none/attached');
    expect([none.status, none.body.error.code]).toEqual([422, 'source.missing']);
  });
});
