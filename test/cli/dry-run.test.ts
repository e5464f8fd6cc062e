import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { someDiskInfo } from '../steps/some-decision.ts';
import { fakeNode, nodeToken, vsphereVm, type FakeNode } from './fake-node.ts';
import { runCli, type CliResult } from './run-cli.ts';
import { randomBytes } from '../support/random.ts';

const home = process.cwd();
const plans = globSync('{plans,examples/*}/*.yaml', { cwd: packageRoot })
  // What goes to a VM in vSphere asks a vCenter, and needs a restore point from one: e2e/restore-vsphere.test.ts.
  .filter(
    (file) =>
      !['sendense.yaml', 'pgtest1-back.yaml', 'pgtest1-disk-beside.yaml', 'pgtest1-undo-update.yaml'].includes(
        basename(file),
      ),
  )
  .sort();

let folder: TemporaryFolder;
let node: FakeNode;

const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

async function succeeds(...argv: string[]): Promise<void> {
  const { exitCode, stderr } = await cli(...argv);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr}`);
}

/** The shipped plans with disks to read, restore points to build on, and a node that knows their vCenter. */
beforeAll(async () => {
  folder = await temporaryFolder();
  node = await fakeNode({
    discover: ({ vm_name: name }) => ({
      vm_name: name ?? '',
      disks: [someDiskInfo({ change_tracking: 'areas', change_id: '52 1a/7' })],
      warnings: [],
      vm: vsphereVm(name ?? '', 'vm-11'),
    }),
    inventory: () => ({
      about: { api_type: 'VirtualCenter', api_version: '8.0', full_name: 'vCenter', instance_uuid: null },
      vms: [vsphereVm('pgtest1', 'vm-11'), vsphereVm('app1', 'vm-12', { path: '/DC1/vm/Production/app1' })],
      warnings: [],
    }),
  });
  for (const name of ['plans', 'examples']) cpSync(join(packageRoot, name), folder.file(name), { recursive: true });
  const disks = [
    'plans/disk0.raw',
    ...['files/web1', 'minimal/web1', 'custom-steps/db1', 'notify/web1', 'schedule/disk0', 'encrypted/web1'].map(
      (disk) => `examples/${disk}.raw`,
    ),
  ];
  for (const disk of disks) writeFileSync(folder.file(disk), Buffer.alloc(100_000, 'disk'));
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', folder.file('plans/disk1.qcow2'), '1M']);
  const encrypted = folder.file('examples/encrypted/sendense.yaml');
  writeFileSync(encrypted, readFileSync(encrypted, 'utf8').replace('/images/web1.qcow2', './web1.raw'));
  for (const key of ['primary-2026.key', 'primary-2027.key'])
    writeFileSync(folder.file('examples/encrypted', key), randomBytes(32).toString('base64'));
  const settings = folder.file('examples/vsphere/sendense.yaml');
  writeFileSync(
    settings,
    `${readFileSync(settings, 'utf8')}nodes:\n  local: { mode: direct, url: "${node.url}", token: { secret: { file: ./token } } }\n`,
  );
  writeFileSync(folder.file('examples/vsphere/token'), nodeToken);
  writeFileSync(folder.file('examples/vsphere/password'), 'hunter2hunter2');
  process.chdir(folder.file('plans'));
  await succeeds('pgtest1-nightly.yaml', '--quiet');
  const another = readFileSync('pgtest1-nightly.yaml', 'utf8').replaceAll('pgtest1', 'pgtest2');
  writeFileSync('pgtest2-nightly.yaml', another);
  await succeeds('pgtest2-nightly.yaml', '--quiet');
  process.chdir(folder.file('examples/files'));
  await succeeds('web1.yaml', '--quiet');
  process.chdir(folder.file('examples/vsphere'));
  await succeeds('credentials', 'add', 'backup-user', '--user', 'backup@vsphere.local', '--password-file', 'password');
});

afterAll(async () => {
  process.chdir(home);
  await node[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe.each(plans)('the dry-run of %s', (plan) => {
  it('says in words what it would do, and shows no expression', async () => {
    process.chdir(folder.file(dirname(plan)));
    const { exitCode, stdout, stderr } = await cli('plan', basename(plan));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).not.toContain('${{');
    const { kind } = parse(readFileSync(basename(plan), 'utf8')) as { kind: string };
    if (!['backup', 'incremental'].includes(kind)) return;
    expect(stdout).toMatch(
      /Check, compare and flush.*\n(?: +~ .*rewritten .*\n| +.*convert.*\n)* +~ .*\.qcow2: flushed, read-only; read back: \w+/,
    );
    expect(stdout).toMatch(/Commit the restore point.*\n +\+ .*\.json: manifest\n +\+ rows in backups, backup_disks/);
    expect(stdout).toMatch(/\? transferred.*: known after transfer/);
  });
});

it('shows the command of a plan although its environment is only known later', async () => {
  process.chdir(folder.file('examples/custom-steps'));
  const { stdout } = await cli('plan', 'hooks.yaml');
  expect(stdout).toMatch(/tell, command\.run\n.*environment: known later\n +\$ sh -c /);
});
