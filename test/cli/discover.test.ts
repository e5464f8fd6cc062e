import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { validateFiles } from '../../src/plan/validate-files.ts';
import type { VsphereVm } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { about, fakeNode, nodeToken, vsphereDisk, vsphereVm, type FakeNode } from './fake-node.ts';
import { runCli, type CliResult } from './run-cli.ts';

const home = process.cwd();
let folder: TemporaryFolder;
let node: FakeNode;
let vms: VsphereVm[];

const cli = (...argv: string[]): Promise<CliResult> =>
  runCli(['discover', ...argv], { openHub, embeddedNode: startNode, isTTY: true, columns: 80 });
const vc1 = (...argv: string[]): Promise<CliResult> => cli('vc1', '--node', 'esx1', ...argv);

function parsed({ stdout }: CliResult): { vms: { name: string; path: string }[]; plan_file: string | null } {
  const value = JSON.parse(stdout) as ReturnType<typeof parsed>;
  const validate = validatorOf('output/discover.json');
  expect(validate(structuredClone(value)), describeErrors(validate.errors)).toBe(true);
  return value;
}

const untracked = vsphereVm('web shop', 'vm-12', {
  cbt: { supported: true, enabled: false },
  power_state: 'poweredOff',
  disks: [
    vsphereDisk(),
    vsphereDisk({
      key: 2001,
      label: 'Hard disk 2',
      address: 'scsi1:0',
      capacity_bytes: 24 * 1024 ** 3,
      mode: 'independent_persistent',
      protected: false,
      not_protected_reason: 'it is independent',
    }),
  ],
  snapshots: [
    {
      moref: 'snapshot-1',
      name: 'before upgrade',
      description: '',
      created: 1_795_224_165_000,
      quiesced: false,
      current: true,
      ours: false,
    },
  ],
  findings: [
    { level: 'weakens', code: 'disk.independent', message: 'Hard disk 2 is not protected: it is independent' },
    { level: 'stops', code: 'snapshot.foreign', message: 'snapshot "before\nupgrade"\u0007 is not of Sendense' },
  ],
});

beforeEach(async () => {
  folder = await temporaryFolder();
  vms = [vsphereVm('pgtest1', 'vm-11'), untracked];
  node = await fakeNode({ inventory: () => ({ about, vms, warnings: [] }) });
  process.chdir(folder.path);
  writeFileSync('token', nodeToken);
  writeFileSync('vcenter.password', 'hunter2hunter2\n');
  writeFileSync('disk0.raw', '');
  truncateSync('disk0.raw', 1024 * 1024);
  writeFileSync(
    'sendense.yaml',
    `repositories:
  primary: { path: ./repository }
nodes:
  esx1: { mode: direct, url: "${node.url}", token: { secret: { file: ./token } } }
sources:
  vc1:
    type: vsphere
    host: vcenter.example.com
    user: backup@vsphere.local
    password: { secret: { file: ./vcenter.password } }
  lab:
    type: image
    vms:
      image1: { disks: [{ path: disk0.raw }] }
      broken: { disks: [{ path: nothing.raw }] }
`,
  );
});

afterEach(async () => {
  process.chdir(home);
  await node[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe('discover of a vCenter', () => {
  it('shows every VM, and what stops or weakens a backup, in 80 columns', async () => {
    const { exitCode, stdout, stderr } = await vc1();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'VM        POWER  DISKS            CBT  SNAPSHOTS',
        'pgtest1   on     16 GiB           on           0',
        '    /DC1/vm/pgtest1, Debian GNU/Linux 12 (64-bit)',
        'web shop  off    16 GiB + 24 GiB  off          1',
        '    /DC1/vm/web shop, Debian GNU/Linux 12 (64-bit)',
        '    ✘ stops   snapshot "before',
        '              upgrade"? is not of Sendense',
        '    ⚠ weakens Hard disk 2 is not protected: it is independent',
        '2 VMs in vc1 (VMware vCenter Server 8.0.2); a backup of 1 would be stopped, of 1',
        'weakened',
        '',
      ].join('\n'),
    );
    expect(node.requests).toMatchObject([
      {
        vm_name: null,
        source: { type: 'vsphere', name: 'vc1', host: 'vcenter.example.com', port: 443 },
        vcenter_user: 'backup@vsphere.local',
        vcenter_password: 'hunter2hunter2',
      },
    ]);
  });

  it('prints JSON of the published schema', async () => {
    const output = parsed(await vc1('--json'));
    expect(output.vms.map(({ path }) => path)).toEqual(['/DC1/vm/pgtest1', '/DC1/vm/web shop']);
    expect(output.plan_file).toBeNull();
  });

  it.each(['web shop', '/DC1/vm/web shop', 'vm-12'])('shows one VM in detail, named %s', async (name) => {
    const { stdout } = await vc1('--vm', name);
    expect(stdout).toContain('off, on host esx1.example.com');
    expect(stdout).toContain('Hard disk 2  scsi1:0  24 GiB  flat, independent_persistent, thin');
    expect(stdout).toContain('✘ not protected: it is independent');
    expect(stdout).toMatch(/before upgrade +\d{4}-.* not quiesced +not of Sendense/);
    expect(stdout).toContain('off; `cbt: enable` in the plan switches it on');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('finds VMs below a folder', async () => {
    vms = [...vms, vsphereVm('db', 'vm-13', { path: '/DC1/vm/prod/db' })];
    expect(parsed(await vc1('--json', '--folder', '/DC1/vm/prod/')).vms.map(({ name }) => name)).toEqual(['db']);
    expect(await vc1('--folder', '/DC1/vm/pro')).toMatchObject({ exitCode: 1 });
  });

  it('tells apart VMs of one name, and suggests what may have been meant', async () => {
    vms = [vsphereVm('db', 'vm-1'), vsphereVm('db', 'vm-2', { path: '/DC2/vm/db' })];
    const several = await vc1('--vm', 'db');
    expect(several.exitCode).toBe(2);
    expect(several.stderr.replaceAll(/\s+/g, ' ')).toContain('/DC1/vm/db (vm-1), /DC2/vm/db (vm-2)');
    expect((await vc1('--vm', 'dbb')).stderr.replaceAll(/\s+/g, ' ')).toContain('did you mean db?');
    expect((await cli('vc2')).stderr.replaceAll(/\s+/g, ' ')).toContain('did you mean vc1?');
  });
});

describe('--write-plan', () => {
  const plan = (name: string): string => readFileSync(folder.file(name), 'utf8');

  it('makes a plan that is valid, with what was found as comments', async () => {
    const { stdout, exitCode } = await vc1('--vm', 'web shop', '--write-plan');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('plan written to web-shop-nightly.yaml');
    expect(plan('web-shop-nightly.yaml').replace(/\d{4}-\d\d-\d\d/, 'DAY')).toBe(
      `# Made by \`sendense-run discover vc1 --write-plan\` on DAY, for the VM web shop.
# Debian GNU/Linux 12 (64-bit); Hard disk 1 16 GiB, Hard disk 2 24 GiB.
# Weakens a backup: Hard disk 2 is not protected: it is independent
# Stops a backup: snapshot "before upgrade"? is not of Sendense

version: 1
kind: backup
name: web-shop-nightly
vm:
  name: web-shop
  path: /DC1/vm/web shop # vm-12
  source: vc1
  quiesce: try
  cbt: enable
repository: primary
node: esx1
schedule:
  cron: 30 1 * * *
  timezone: UTC
`,
    );
    expect(validateFiles([folder.file('web-shop-nightly.yaml')]).valid).toBe(true);
  });

  it('writes to the file that is named, and never over one that is there', async () => {
    writeFileSync('mine.yaml', 'kind: mine\n');
    const refused = await vc1('--vm', 'pgtest1', '--write-plan', 'mine.yaml');
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('file.exists') as string });
    expect(plan('mine.yaml')).toBe('kind: mine\n');
    const written = parsed(await vc1('--vm', 'pgtest1', '--write-plan', 'other.yaml', '--json'));
    expect(written.plan_file).toBe(folder.file('other.yaml'));
    expect(plan('other.yaml')).toContain('cbt: auto');
  });

  it('needs to know for which VM', async () => {
    expect(await vc1('--write-plan')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--vm VM') as string,
    });
  });

  it.each([
    ['übergröße & Söhne: "1"', 'ubergro-e-Sohne-1'],
    ['- # weird', 'weird'],
    ['日本', 'vm-40'],
    ['x'.repeat(80), 'x'.repeat(55)],
  ])('gives the VM %j a name that can be', async (name, expected) => {
    vms = [vsphereVm(name, 'vm-40')];
    const written = parsed(await vc1('--vm', name, '--write-plan', '--json'));
    expect(written.plan_file).toBe(folder.file(`${expected}-nightly.yaml`));
    expect(validateFiles([written.plan_file ?? '']).diagnostics).toEqual([]);
  });

  it('keeps apart VMs that would have the same name in the repository', async () => {
    vms = [vsphereVm('web 1', 'vm-1'), vsphereVm('web-1', 'vm-2')];
    for (const name of ['web 1', 'web-1']) await vc1('--vm', name, '--write-plan');
    expect(plan('web-1-vm-1-nightly.yaml')).toContain('path: /DC1/vm/web 1');
    expect(plan('web-1-vm-2-nightly.yaml')).toContain('name: web-1-vm-2\n');
  });
});

describe('discover of images', () => {
  it('lists VMs and disks, and what cannot be read', async () => {
    const output = await cli('lab');
    expect(output.exitCode).toBe(0);
    expect(output.stdout).toMatch(/image1\n {4}\S.* 1 MiB +raw +disk0\.raw/);
    expect(output.stdout).toMatch(/broken\n(.*\n)* *✘ \S+: .*nothing\.raw/);
    expect(parsed(await cli('lab', '--json')).vms.map(({ name }) => name)).toEqual(['image1', 'broken']);
    expect(existsSync('state')).toBe(false);
  });

  it('makes a plan, too', async () => {
    await cli('lab', '--vm', 'image1', '--write-plan');
    expect(readFileSync('image1-nightly.yaml', 'utf8')).toContain('vm:\n  name: image1\n  source: lab\nrepository');
    expect(validateFiles(['image1-nightly.yaml']).valid).toBe(true);
  });

  it('has no folders', async () => {
    expect(await cli('lab', '--folder', '/x')).toMatchObject({ exitCode: 2 });
    expect(await cli('lab', '--vm', 'imag1')).toMatchObject({ exitCode: 1 });
  });
});
