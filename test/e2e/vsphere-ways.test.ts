import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import type { DiscoverOutput, VmConfig } from '../../src/schemas/types.ts';
import { startSshd } from '../node/vsphere/transports/sshd.ts';
import { programs } from '../programs.ts';
import { leftovers } from './nothing-left.ts';
import { expectClean, expectFrozen, guestWorks, MiB, pgtest1, vsphereWorkspace } from './vsphere-workspace.ts';
import { disksOf, type Workspace } from './workspace.ts';

const modes = (outcome: Parameters<typeof disksOf>[0]): string[] => disksOf(outcome).map(({ mode }) => mode);

describe('ways to read, to log in and to reach vSphere', () => {
  test('vddk, https and ssh give the same bytes, full and incremental', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace();
    const { vcenter, work } = at;
    const vm = await vcenter.addVm(pgtest1);
    const keys = work.path('keys');
    await mkdir(keys);
    await using sshd = await startSshd(keys);
    const settings = (await readFile(work.path('sendense.yaml'), 'utf8'))
      .replace(
        'primary: { path: ./repository }',
        ['vddk', 'https', 'ssh'].map((name) => `${name}: { path: ./${name} }`).join('\n  '),
      )
      .replace(
        '    transports: [vddk, https]',
        [
          '    transports: [vddk, https, ssh]',
          `    ssh: { host: 127.0.0.1, port: ${sshd.port}, user: ${sshd.user}, identity: ${sshd.identity}, knownHosts: ${sshd.knownHosts} }`,
        ].join('\n'),
      );
    await work.write('sendense.yaml', settings);
    // What is /vmfs/volumes on a real host is elsewhere here.
    await using _volumes = await linkVolumes(vcenter.folder);
    const digests: Record<string, string[]> = {};
    for (const round of ['full', 'incremental']) {
      for (const transport of ['vddk', 'https', 'ssh']) {
        await at.plan(`${transport}.yaml`, vm, [`transport: ${transport}`, 'quiesce: off']);
        const text = await readFile(work.path(`${transport}.yaml`), 'utf8');
        await work.write(
          `${transport}.yaml`,
          text.replace('repository: primary', `repository: ${transport}`).replace('quiesce: off', "quiesce: 'off'"),
        );
        const outcome = await at.run(`${transport}.yaml`);
        expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
        expect(modes(outcome)).toEqual([round, round]);
        const manifest = JSON.parse(
          await readFile(work.path(transport, 'pgtest1', `${outcome.finished.backup_id}.json`), 'utf8'),
        ) as { disks: { digest: string }[]; snapshot: { transport: string; transport_reason: string } };
        expect(manifest.snapshot.transport).toBe(transport);
        expect(manifest.snapshot.transport_reason).not.toBe('');
        digests[`${round}-${transport}`] = manifest.disks.map(({ digest }) => digest);
        await expectClean(vm);
      }
      expect(digests[`${round}-https`]).toEqual(digests[`${round}-vddk`]);
      expect(digests[`${round}-ssh`]).toEqual(digests[`${round}-vddk`]);
      await guestWorks(vm);
    }
  });

  test('https: a page that comes in place of data fails the run, and nothing stays', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace();
    const vm = await at.vcenter.addVm({
      name: 'pgtest1',
      disks: [{ capacity: 256 * MiB, content: Buffer.alloc(MiB, 7) }],
    });
    await at.plan('plan.yaml', vm, ['transport: https', "cbt: 'off'", "quiesce: 'off'"]);
    // All is asked of the server in some 70 requests; these are among those for data.
    await at.vcenter.fault('folder-status', { status: 200, count: 1, after: 30 });
    const failed = await at.run('plan.yaml');
    expect(failed.finished, JSON.stringify(failed.finished)).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(failed.finished.error)).toMatch(/asked for bytes [0-9-]+ and answered with HTTP 200/);
    expect(failed.finished.error).toMatchObject({ code: 'transport.unsafe' });
    await expectClean(vm);
    // Errors and cut connections are another matter: these bytes are asked for again.
    await at.vcenter.fault('folder-status', { status: 503, count: 2, after: 25 });
    await at.vcenter.fault('folder-cut', { bytes: 700_001, count: 1, after: 20 });
    const outcome = await at.run('plan.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded' });
    await expectFrozen(at, vm, outcome);
    await expectClean(vm);
  });

  test('a stored credential, and no password anywhere but where it is used', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace({ password: 'canary-7f3a9-password' });
    const { vcenter, work } = at;
    const vm = await vcenter.addVm(pgtest1);
    const added = await execa(
      process.execPath,
      [programs.run, 'credentials', 'add', 'backup-user', '--user', vcenter.user],
      { cwd: work.folder, input: `${vcenter.password}\n` },
    );
    expect(added.exitCode).toBe(0);
    const settings = await readFile(work.path('sendense.yaml'), 'utf8');
    await work.write(
      'sendense.yaml',
      settings.replace(/ {4}user: .*\n {4}password: .*\n/, '    credential: backup-user\n'),
    );
    await writeFile(work.path('vcenter.password'), 'not needed');
    const tested = await work.call(['credentials', 'test', 'backup-user']);
    expect(tested.exitCode, tested.stdout + tested.stderr).toBe(0);

    await at.plan('plan.yaml', vm);
    const first = await at.run('plan.yaml');
    expect(first.finished, JSON.stringify(first.finished)).toMatchObject({ exit_code: 0 });
    expect((await at.manifest(first.finished.backup_id)).snapshot?.transport).toBe('vddk');
    await guestWorks(vm);
    await vcenter.fault('no-permission', { method: 'CreateSnapshot_Task', count: 1 });
    const failed = await at.run('plan.yaml');
    expect(failed.finished.error).toMatchObject({ code: 'vsphere.permission' });
    await vcenter.fault('login', { count: 1 });
    const refused = await at.run('plan.yaml');
    expect(refused.finished.exit_code).toBe(12);
    for (const outcome of [tested, first, failed, refused])
      expect(outcome.stdout + outcome.stderr).not.toContain('canary-7f3a9');
    expect(await filesHolding(work, 'canary-7f3a9')).toEqual([]);
    expect(await filesHolding(work, 'vmware_soap_session')).toEqual([]);

    const wrong = await work.call(['credentials', 'rotate', 'backup-user', '--password-file', 'vcenter.password']);
    expect(wrong.exitCode).toBe(0);
    expect((await at.run('plan.yaml')).finished).toMatchObject({ exit_code: 12, error: { code: 'vsphere.login' } });
    await expectClean(vm);
  });

  test('a node of its own, with a token, in mode direct', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace();
    const { vcenter, work } = at;
    const vm = await vcenter.addVm(pgtest1);
    await mkdir(work.path('node-state'));
    const node = spawn(
      process.execPath,
      [programs.node, 'serve', '--listen', '127.0.0.1:0', '--state-dir', work.path('node-state')],
      { env: { ...process.env, ...vcenter.vddkEnvironment }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    try {
      let url = '';
      for await (const line of createInterface({ input: node.stderr })) {
        url = /listening on ([^\s"]+)/.exec(line)?.[1] ?? '';
        if (url) break;
      }
      node.stderr.resume();
      await work.write(
        'sendense.yaml',
        `${await readFile(work.path('sendense.yaml'), 'utf8')}nodes:\n  sna1: { mode: direct, url: '${url}', token: { secret: { file: ./node-state/token } } }\n`,
      );
      await at.plan('plan.yaml', vm, [], ['node: sna1']);
      for (const expected of ['full', 'incremental']) {
        const outcome = await at.run('plan.yaml');
        expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ exit_code: 0 });
        expect(modes(outcome)).toEqual([expected, expected]);
        await expectFrozen(at, vm, outcome);
        await expectClean(vm);
        await guestWorks(vm);
      }
      const { password: _, ...rest } = vcenter;
      const headers = {
        'authorization': `Bearer ${(await readFile(work.path('node-state/token'), 'utf8')).trim()}`,
        'x-vcenter-host': `${rest.host}:${rest.port}`,
        'x-vcenter-user': rest.user,
        'x-vcenter-password': vcenter.password,
        'x-vcenter-thumbprint': rest.thumbprint,
      };
      const status = await fetch(`${url.replace(/\/$/, '')}/api/v1/vms/${encodeURIComponent(vm.path)}/cbt-status`, {
        headers,
      });
      expect(await status.json()).toMatchObject({
        vm_name: 'pgtest1',
        enabled: true,
        supported: true,
        disks: [{}, {}],
      });
      const { 'x-vcenter-password': __, ...without } = headers;
      const refused = await fetch(`${url.replace(/\/$/, '')}/api/v1/vms/${vm.moref}/cbt-status`, { headers: without });
      expect(refused.status).toBe(400);
      expect(await filesHolding(work, vcenter.password, ['vcenter.password'])).toEqual([]);
    } finally {
      const ended = once(node, 'exit');
      node.kill();
      await ended;
    }
  });

  test('a bare ESXi host', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace({ esx: true });
    const vm = await at.vcenter.addVm(pgtest1);
    await at.plan('plan.yaml', vm);
    for (const expected of ['full', 'incremental']) {
      const outcome = await at.run('plan.yaml');
      expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ exit_code: 0 });
      expect(modes(outcome)).toEqual([expected, expected]);
      if (expected === 'incremental') expect(disksOf(outcome)[0]?.reason).toContain('changed areas since');
      await expectFrozen(at, vm, outcome);
      await guestWorks(vm);
    }
    // Its events begin with its start: what was before nobody knows.
    await at.vcenter.forgetEvents();
    const started = await at.run('plan.yaml');
    expect(started.finished).toMatchObject({ exit_code: 0 });
    expect(disksOf(started)[0]?.reason).toMatch(/^compared by digest .*vSphere's events begin at .*Z, and the VM may/);
    await expectFrozen(at, vm, started);
    await expectClean(vm);
  });

  test(
    'change tracking is switched on where the plan says so, and the disk is read whole where it is off',
    { timeout: 300_000 },
    async () => {
      await using at = await vsphereWorkspace();
      const vm = await at.vcenter.addVm({ ...pgtest1, cbt: false });
      await at.plan('plan.yaml', vm);
      const off = await at.run('plan.yaml');
      expect(off.finished.exit_code).toBe(3);
      expect(off.finished.warnings.join()).toMatch(/changed block tracking is off/);
      expect(disksOf(off)[0]?.change_id).toMatch(/^digest:/);
      await at.plan('plan.yaml', vm, ['cbt: require']);
      expect((await at.run('plan.yaml')).finished.error).toMatchObject({ code: 'cbt.off' });

      await guestWorks(vm);
      await at.plan('plan.yaml', vm, ['cbt: enable']);
      const enabled = await at.run('plan.yaml');
      expect(enabled.finished, JSON.stringify(enabled.finished)).toMatchObject({ exit_code: 0 });
      // The parent was made without tracking: its list cannot begin there.
      expect(disksOf(enabled)[0]).toMatchObject({
        mode: 'incremental',
        reason: expect.stringContaining('digest') as string,
      });
      await expectFrozen(at, vm, enabled);
      await guestWorks(vm);
      const next = await at.run('plan.yaml');
      expect(disksOf(next)[0]?.reason).toContain('changed areas since');
      await expectFrozen(at, vm, next);
      await expectClean(vm);
    },
  );

  test('independent disks and RDMs are not protected, and everything says so', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace();
    const vm = await at.vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      annotation: 'keeps <the> "books" & more',
      firmware: 'efi',
      nvram: Buffer.from('nvram content'),
      disks: [
        { capacity: 4 * MiB, controller: 'nvme0', content: Buffer.alloc(MiB, 7) },
        { capacity: 4 * MiB, mode: 'independent_persistent' },
        { capacity: 4 * MiB, backing: 'rdm-physical' },
        { capacity: 4 * MiB, controller: 'sata0', content: Buffer.alloc(MiB, 9) },
      ],
    });
    await at.plan('plan.yaml', vm);
    const outcome = await at.run('plan.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 3 });
    expect(outcome.finished.warnings.filter((warning) => warning.includes('NOT PROTECTED'))).toHaveLength(2);
    expect(outcome.events.some((event) => event.type === 'step.log' && event.message.includes('NOT PROTECTED'))).toBe(
      true,
    );
    const manifest = await at.manifest(outcome.finished.backup_id);
    expect(manifest.disks).toHaveLength(2);
    expect(manifest.not_protected?.map(({ reason }) => reason).join()).toMatch(/independent.*RDM|RDM.*independent/);
    expect((await at.work.call(['show', 'pgtest1'])).stdout).toMatch(/not protected/i);
    await expectFrozen(at, vm, outcome);

    const config = JSON.parse(
      await readFile(at.work.path('repository/pgtest1', manifest.vm_config?.path ?? ''), 'utf8'),
    ) as VmConfig;
    expect(config).toMatchObject({ name: 'pgtest1', annotation: 'keeps <the> "books" & more' });
    expect(JSON.stringify(config)).toContain(Buffer.from('nvram content').toString('base64'));
    expect((await at.work.call(['check'])).exitCode).toBe(0);
    const file = at.work.path('repository/pgtest1', manifest.vm_config?.path ?? '');
    await chmod(file, 0o644);
    await writeFile(file, 'something else');
    expect((await at.work.call(['check', '--quick'])).stdout).toContain('vm-config');
  });

  test('discover lists VMs and writes a plan that runs', { timeout: 300_000 }, async () => {
    await using at = await vsphereWorkspace();
    const vm = await at.vcenter.addVm({ ...pgtest1, name: 'pg test/1'.replace('/', '%2f'), folder: 'Bücher & "more"' });
    const listed = await at.work.call(['--json', 'discover', 'test-vcenter']);
    expect(listed.exitCode, listed.stderr).toBe(0);
    const output = JSON.parse(listed.stdout) as DiscoverOutput;
    expect(output.vms).toMatchObject([{ path: vm.path, moref: vm.moref, instance_uuid: vm.instanceUuid }]);
    const written = await at.work.call(['discover', 'test-vcenter', '--vm', vm.path, '--write-plan', 'made.yaml']);
    expect(written.exitCode, written.stderr).toBe(0);
    expect((await at.work.call(['validate', 'made.yaml'])).exitCode).toBe(0);
    const outcome = await at.run('made.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
    await expectClean(vm);
    expect(leftovers(at.work.folder)).toEqual([]);
    const missing = await at.work.call(['discover', 'test-vcenter', '--vm', '/DC1/vm/nothing']);
    expect(missing.exitCode).not.toBe(0);
    expect(missing.stderr).toContain('nothing');
  });
});

/** nbdkit-ssh reads /vmfs/volumes/…, as it is on an ESXi host; links to a folder like it, for as long as needed. */
async function linkVolumes(folder: string): Promise<AsyncDisposable> {
  const volumes = '/vmfs/volumes';
  const links = (await readdir(folder)).map((name) => ({ to: join(folder, name), at: join(volumes, name) }));
  // Another test may remove the empty folder just now.
  for (const { to, at } of links)
    await execa('sh', ['-c', 'mkdir -p "$1" && ln -sfn "$2" "$3"', 'sh', volumes, to, at]);
  return {
    [Symbol.asyncDispose]: async () => {
      for (const { at } of links) await rm(at, { force: true });
      for (const empty of [volumes, '/vmfs']) await rmdir(empty).catch(() => undefined);
    },
  };
}

/** Files of the workspace that hold a text, whatever they are. */
async function filesHolding(work: Workspace, text: string, but: readonly string[] = []): Promise<string[]> {
  const found = await execa('grep', ['-rlaF', '--', text, work.folder], { reject: false });
  return found.stdout.split('\n').filter((file) => file !== '' && !but.some((name) => file.endsWith(name)));
}
