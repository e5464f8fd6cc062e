/** A Linux guest that runs from its backup, or that came back to KVM, is in a network of libvirt or on a bridge, and what it sends comes across. */
import { readFile, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { linuxDisk } from '../guests/linux-guest.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { program } from './workspace.ts';
import { vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';

const timeout = 600_000;
const bridge = 'sendense0';
const mac = '00:50:56:9a:1b:2c';

/** A user who is not root has no libvirtd of their own. */
describe.skipIf(process.getuid?.() !== 0)('a VM with a network', { timeout }, () => {
  let libvirt: OwnLibvirtd;
  let at: VsphereWorkspace;

  beforeAll(async () => {
    libvirt = await ownLibvirtd({ bridges: [bridge], bridgeConf: `allow ${bridge}\n` });
    at = await vsphereWorkspace();
    const { work, vcenter } = at;
    await linuxDisk(work.path('guest'), 'bios');
    const disk = { capacity: (await stat(work.path('guest'))).size, content: await readFile(work.path('guest')) };
    const networks = [{ name: 'VM Network', mac }];
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      memoryMb: 256,
      firmware: 'bios',
      networks,
      disks: [{ ...disk, controller: 'scsi0' }],
    });
    await at.plan('nightly.yaml', vm);
    const { exitCode, stderr } = await at.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
    await work.write(
      'lab.xml',
      `<network><name>lab</name><forward mode="bridge"/><bridge name="${bridge}"/></network>`,
    );
    await libvirt.virsh('net-define', work.path('lab.xml'));
    await libvirt.virsh('net-start', 'lab');
  }, timeout);
  afterAll(async () => {
    await libvirt?.[Symbol.asyncDispose]();
    await at?.[Symbol.asyncDispose]();
  });

  const inside = (...words: string[]) =>
    execa(libvirt.prefix[0] ?? '', [...libvirt.prefix.slice(1), ...words], {
      env: { OLDPWD: at.work.folder, NO_COLOR: '1' },
      reject: false,
      timeout: 200_000,
    });
  const sendense = (...words: string[]) => inside(process.execPath, program, ...words);
  /** The guest's MAC address, as the bridge has learned it from a frame that came in by a tap device. */
  const heard = () =>
    vi.waitUntil(
      async () => {
        const { stdout } = await inside('bridge', 'fdb', 'show', 'br', bridge);
        return stdout.split('\n').some((line) => line.startsWith(`${mac} dev `) && !line.includes('permanent'));
      },
      { timeout: 200_000, interval: 250 },
    );

  test('without the right to it, a bridge is refused before anything is made', async () => {
    const asOther = ['setpriv', '--bounding-set', '-net_admin', process.execPath, program];
    const refused = await inside(...asOther, 'boot', 'pgtest1', '--network', `bridge:${bridge}`, '--accel', 'tcg');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(`this user may not connect a VM to the bridge ${bridge}`);
    expect((await sendense('boot', 'list', '--json')).stdout).toContain('"boots":[]');
  });

  /** Of the bridge, which has one for each VM. What the bridge has learned is forgotten with the port that it came by. */
  const ports = async () =>
    (await inside('bridge', 'link', 'show')).stdout.split('\n').filter((line) => line.includes(`master ${bridge}`));
  const gone = () => vi.waitUntil(async () => (await ports()).length === 0, { timeout: 100_000, interval: 250 });

  test.each([{ network: 'lab' }, { network: `bridge:${bridge}` }])(
    'booted from its backup, on $network',
    async ({ network }) => {
      const words = ['--network', network, '--keep-mac', '--accel', 'tcg', '--reserve', '1MiB'];
      const done = await sendense('boot', 'pgtest1', ...words);
      expect(done.exitCode, done.stderr + done.stdout).toBe(0);
      await heard();
      expect(await ports()).toHaveLength(1);
      const ended = await sendense('boot', 'stop', 'pgtest1', '--yes');
      expect(ended.exitCode, ended.stderr).toBe(0);
      await gone();
    },
  );

  test.each([{ network: 'lab' }, { network: `bridge:${bridge}` }])(
    'restored to KVM, defined by libvirt and started, on $network',
    async ({ network }) => {
      const folder = at.work.path(`to-${network.replace(':', '-')}`);
      const words = ['--network', network, '--connect', '--keep-mac', '--start'];
      const done = await sendense('restore', 'pgtest1', '--to', `kvm:${folder}`, ...words);
      expect(done.exitCode, done.stderr + done.stdout).toBe(0);
      await heard();
      expect(await ports()).toHaveLength(1);
      await libvirt.virsh('destroy', 'pgtest1');
      await libvirt.virsh('undefine', 'pgtest1');
      await gone();
    },
  );
});
