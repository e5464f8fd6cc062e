import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { programFile } from '../../src/host/programs/bound-words.ts';
import { makeRaw as makeDisk, MiB, sameContent, writeInto } from '../host/disk-images.ts';
import { testProgram } from '../programs.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { hangingWords, standInV2v, type V2vBehaviour } from '../simulators/virt-v2v.ts';
import { processesNaming } from '../support/processes.ts';
import { processesWith } from '../support/processes-with.ts';
import { all as everything } from '../support/rounds.ts';
import { leftovers } from './nothing-left.ts';
import { startsAndSays } from './start-script.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');
const converted = 'converted: login: ';
const all = ['disk-0.qcow2', 'disk-1.qcow2', 'domain.xml', 'start.sh'];

describe('a restore with `convert: virtio`', { timeout }, () => {
  let work: Workspace;

  beforeAll(async () => {
    work = await workspace();
    await makeDisk(work.path('a.raw'), 2 * MiB, [MiB, 512]);
    await writeInto(work.path('a.raw'), [0, bootSector('before: login: ')]);
    await makeDisk(work.path('b.raw'), MiB, [4096, 512]);
    await work.write('nightly.yaml', backupPlan(['a.raw', 'b.raw']));
    const { exitCode, stderr } = await work.run('nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
  }, timeout);

  // Whatever became of it, nothing of it is left.
  afterEach(() => {
    const left = [...leftovers(work.folder), ...processesWith('sleep', hangingWords(work.folder))];
    if (left.length > 0) throw new Error(`left: ${left.join(', ')}`);
  });
  afterAll(() => work?.[Symbol.asyncDispose]());

  const standIn = (behaviour: V2vBehaviour) => standInV2v(work.folder, behaviour, bootSector(converted));
  const restore = async (behaviour: V2vBehaviour, ...words: string[]) => {
    const to = ['--to', `kvm:${work.path(behaviour)}`, '--libvirt', 'none', '--memory', '64MiB', '--cpus', '1'];
    const convert = ['--convert', 'virtio', '--accel', 'tcg', '--serial', 'login:'];
    return work.call(['restore', 'pgtest1', ...to, ...convert, ...words], { env: await standIn(behaviour) });
  };
  const planOf = (folder: string, convert: string): string =>
    [
      'kind: restore',
      'name: leave',
      'vm: { name: pgtest1 }',
      'repository: primary',
      `to: { kvm: ${work.path(folder)}, libvirt: none, memory: 64MiB, cpus: 1, convert: ${convert} }`,
      '',
    ].join('\n');

  test.each(['converts', 'lies'] as const)('one that %s: the VM boots, and has virtio devices', async (behaviour) => {
    const done = await restore(behaviour);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toMatch(/converted in [0-9]+ s, and booted \(serial\)/);
    const folder = work.path(behaviour);
    expect((await readdir(folder)).toSorted()).toEqual(all);
    const xml = await readFile(join(folder, 'domain.xml'), 'utf8');
    expect(xml.match(/<target dev="vd[ab]" bus="virtio"\/>/g)).toHaveLength(2);
    await execa('virt-xml-validate', [join(folder, 'domain.xml')]);
    // All of it is in the disk itself.
    const { stdout } = await execa('qemu-img', ['info', '--output=json', join(folder, 'disk-0.qcow2')]);
    expect(JSON.parse(stdout)).not.toHaveProperty('backing-filename');
    await execa('qemu-img', ['check', join(folder, 'disk-0.qcow2')]);
    expect(await sameContent(join(folder, 'disk-1.qcow2'), work.path('b.raw'))).toBe(true);
    if (behaviour === 'converts' || everything) await startsAndSays(join(folder, 'start.sh'), converted, 250_000);
  });

  test.each([
    ['breaks', 'the converted guest did not boot: its firmware finds no disk that it can start from'],
    ['fails', 'virt-v2v-in-place ended with 1: '],
    ['unknown', 'then this should not happen.; No root device found in this operating system image.'],
    ['locked', 'it cannot convert a guest that encrypts its disk'],
  ] as const)('one that %s: the VM is as it was, and the run says why', async (behaviour, words) => {
    const done = await restore(behaviour);
    expect(done, done.stderr).toMatchObject({ exitCode: 3 });
    expect(done.stdout).toContain('not converted; it has the hardware that its guest knows');
    expect((done.stdout + done.stderr).replaceAll(/\s+/g, ' ')).toContain(words);
    const folder = work.path(behaviour);
    expect((await readdir(folder)).toSorted()).toEqual(all);
    expect(await readFile(join(folder, 'domain.xml'), 'utf8')).toContain('bus="sata"');
    expect(await sameContent(join(folder, 'disk-0.qcow2'), work.path('a.raw'))).toBe(true);
    // What was converted, and is taken back.
    if (behaviour === 'breaks' || everything) await startsAndSays(join(folder, 'start.sh'), 'before: login: ', 250_000);
  });

  test('a picture that does not change says nothing of a guest that did not write to its disk', async () => {
    await work.write(
      'still.yaml',
      planOf('still', '{ to: virtio, accel: tcg, boot: { picture: { still: 1s }, timeout: 5s } }'),
    );
    const env = await standIn('leaves');
    const done = await work.call(['run', 'still.yaml'], { env });
    expect(done, done.stderr).toMatchObject({ exitCode: 3 });
    expect(done.stdout + done.stderr).toContain('no sign of life within 5 s');
    const [, picture = ''] = /screen +(\S+)/.exec(done.stdout) ?? [];
    expect(await exists(work.path(picture))).toBe(true);
  });

  test('one that takes too long is ended, and the VM is as it was', async () => {
    await work.write('slow.yaml', planOf('slow', '{ to: virtio, accel: tcg, timeout: 1s }'));
    const done = await work.call(['run', 'slow.yaml'], { env: await standIn('hangs') });
    expect(done, done.stderr).toMatchObject({ exitCode: 3 });
    expect(done.stdout + done.stderr).toContain('virt-v2v-in-place was not done within 1s');
    expect((await readdir(work.path('slow'))).toSorted()).toEqual(all);
  });

  test.each([
    ['SIGKILL', 'hangs', 'says: this never ends'],
    ['SIGTERM', 'hangs', 'says: this never ends'],
    ['SIGKILL', 'converts', 'says: the guest is converted; booting it with virtio devices, without a network'],
    ['SIGKILL', 'converts', 'after'],
  ] as const)('%s (%s, %s): nothing stays', async (signal, behaviour, when) => {
    await work.write(
      'leave.yaml',
      planOf('killed', "{ to: virtio, accel: tcg, boot: { serial: { mark: 'login:' } } }"),
    );
    const words = [killedRun, work.path('leave.yaml'), 'restore.convert', when, signal];
    const killed = await execa(process.execPath, words, { reject: false, env: await standIn(behaviour) });
    if (signal === 'SIGKILL') expect(killed.signal, killed.stderr).toBe('SIGKILL');
    // What a run has started ends with it, without anybody who cleans up.
    const still = (): number =>
      processesWith('sleep', hangingWords(work.folder)).length + processesNaming(work.path(`v2v-${behaviour}`)).length;
    await vi.waitUntil(() => still() === 0, { timeout: 200_000 });
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(await exists(work.path('killed'))).toBe(false);
  });

  test('a dry-run says what would be done, and does none of it', async () => {
    const shown = await restore('converts', '--dry-run', '--to', `kvm:${work.path('dry')}`);
    expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toContain('virt-v2v-in-place -i libvirtxml guest.xml');
    expect(shown.stdout).toContain('booted without a network');
    expect(await exists(work.path('dry'))).toBe(false);
  });

  test('without virt-v2v nothing is written, and the error says what to install', async () => {
    const bin = work.path('bin');
    await mkdir(bin);
    for (const name of ['qemu-img', 'qemu-nbd', 'setpriv', 'sh', 'bwrap'])
      await symlink(programFile(name) ?? name, join(bin, name));
    const to = ['--to', `kvm:${work.path('none')}`, '--libvirt', 'none', '--memory', '64MiB', '--cpus', '1'];
    const words = [program, 'restore', 'pgtest1', ...to, '--convert', 'virtio'];
    const refused = await execa(process.execPath, words, { cwd: work.folder, reject: false, env: { PATH: bin } });
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('virt-v2v-in-place is not installed (Debian package virt-v2v)');
    expect(await exists(work.path('none'))).toBe(false);
  });

  test('options that mean nothing are refused', async () => {
    const kvm = ['--to', `kvm:${work.path('none')}`, '--libvirt', 'none', '--memory', '64MiB', '--cpus', '1'];
    for (const [words, text] of [
      [['--to', './none', '--convert', 'virtio'], '--convert is for --to kvm:'],
      [[...kvm, '--convert', 'xen'], 'virtio'],
      [[...kvm, '--virtio-win', 'win.iso'], '--virtio-win and --accel are for --convert virtio'],
      [[...kvm, '--serial', 'login:'], '--serial and --agent are for --start and --convert'],
    ] as const) {
      const refused = await work.call(['restore', 'pgtest1', ...words]);
      expect(refused.exitCode, words.join(' ')).not.toBe(0);
      expect(refused.stderr, words.join(' ')).toContain(text);
    }
    const missing = await restore('converts', '--virtio-win', 'nowhere.iso', '--to', `kvm:${work.path('none')}`);
    expect(missing.stderr).toContain('the drivers for Windows are not there: ');
    expect(await exists(work.path('none'))).toBe(false);
  });
});
