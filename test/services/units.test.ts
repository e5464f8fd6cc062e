import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { unitMark, unitText, type ServiceName } from '../../src/cli/units/units.ts';
import { runCli } from '../cli/run-cli.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { programs } from '../programs.ts';

const names: readonly ServiceName[] = [
  'sendense-node',
  'sendense-tunnel',
  'sendense-hub',
  'sendense-files',
  'sendense-daemon',
];
/**
 * Tenths of what `systemd-analyze security` says; 100 is a service without any of it. The hub may have port 443 and runs plans as the daemon does, which reads disks;
 * what reads files makes sandboxes.
 */
const exposure = {
  'sendense-node': 24,
  'sendense-tunnel': 24,
  'sendense-hub': 29,
  'sendense-files': 31,
  'sendense-daemon': 28,
} as const;

const unitIn = (folder: TemporaryFolder, name: ServiceName): string =>
  folder.file(`etc/systemd/system/${name}.service`);

function node(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [programs.node, ...args], {
    encoding: 'utf8',
    env: { ...process.env, LANG: 'C.UTF-8' },
  });
  return { status, stdout, stderr };
}

describe.each(names)('%s.service', (name) => {
  let text = '';
  beforeAll(() => {
    text = unitText(name, { program: [process.execPath, '/opt/with space/100%.js'], user: 'root' });
  });

  test('is what systemd understands', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(folder.file(`${name}.service`), text);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', folder.file(`${name}.service`)], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' },
    });
    // Units of this machine are read with it, and are not ours to judge.
    expect(stderr.split('\n').filter((line) => line.includes('sendense'))).toEqual([]);
    expect(status).toBe(0);
  });

  test('is hardened as far as it can work', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(folder.file(`${name}.service`), text.replace('User=root', 'User=nobody'));
    const { stdout, stderr, status } = spawnSync(
      'systemd-analyze',
      ['security', '--no-pager', '--offline=true', `--threshold=${exposure[name]}`, folder.file(`${name}.service`)],
      { encoding: 'utf8' },
    );
    expect(status, stdout + stderr).toBe(0);
  });
});

test('words that mean something to systemd are quoted', () => {
  const text = unitText('sendense-node', { program: ['/opt/a b', '$x', '100%', 'a"b\\c'], user: 'sendense' });
  expect(text).toContain('ExecStart="/opt/a b" "$$x" "100%%" "a\\"b\\\\c" serve\n');
});

test('a file name with a line break adds no lines to a unit', () => {
  const evil = '/etc/plans/x\nUser=root\nExecStartPre=/bin/false\n#.yaml';
  expect(() => unitText('sendense-node', { program: ['/opt/a', evil], user: 'sendense' })).toThrow(/control character/);
});

test('another state folder is the one that the service may write to and waits for', () => {
  const text = unitText('sendense-tunnel', { program: ['/x'], user: 'sendense', stateDir: '/data/node' });
  expect(text).toContain('ReadWritePaths=/data/node\n');
  expect(text).toContain('ConditionPathExists=/data/node/link/hub.json\n');
});

describe('install', () => {
  test('--print shows the units and changes nothing', async () => {
    await using folder = await temporaryFolder();
    const { status, stdout } = node('install', '--tunnel', '--print', '--root', folder.path);
    expect(status).toBe(0);
    expect(stdout).toContain('# /etc/systemd/system/sendense-node.service\n');
    expect(stdout).toMatch(/ExecStart=\S+ \S+\/dist\/cli\/sendense-node\.js tunnel\n/);
    expect(existsSync(folder.file('etc'))).toBe(false);
  });

  test('writes the units; again changes nothing; --remove takes them away', async () => {
    await using folder = await temporaryFolder();
    const first = node('install', '--tunnel', '--root', folder.path);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    const path = unitIn(folder, 'sendense-tunnel');
    expect(readFileSync(path, 'utf8').startsWith(unitMark)).toBe(true);
    const { mtimeMs, mode } = statSync(path);
    expect(mode & 0o777).toBe(0o644);
    expect(node('install', '--tunnel', '--root', folder.path).stdout).toContain(`${path}: unchanged`);
    expect(statSync(path).mtimeMs).toBe(mtimeMs);
    expect(node('install', '--tunnel', '--root', folder.path, '--state-dir', '/data').stdout).toContain(
      `${path}: written`,
    );
    expect(node('install', '--tunnel', '--root', folder.path, '--remove').stdout).toContain(`${path}: removed`);
    expect(existsSync(path)).toBe(false);
    expect(node('install', '--root', folder.path, '--remove').stdout).toContain(': absent');
  });

  test('a file of somebody else is neither replaced nor removed, and nothing else is written', async () => {
    await using folder = await temporaryFolder();
    const path = unitIn(folder, 'sendense-tunnel');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '[Service]\n');
    for (const more of [[], ['--remove']]) {
      const { status, stderr } = node('install', '--tunnel', '--root', folder.path, ...more);
      expect(status).toBe(12);
      expect(stderr).toContain(`service.foreign: ${path} was not written by Sendense`);
    }
    expect(readFileSync(path, 'utf8')).toBe('[Service]\n');
    expect(existsSync(unitIn(folder, 'sendense-node'))).toBe(false);
  });

  test.skipIf(existsSync('/run/systemd/system'))('without systemd it says so, before anything is written', () => {
    const { status, stderr } = node('install');
    expect(status).toBe(1);
    expect(stderr).toContain('service.no-systemd');
    expect(existsSync('/etc/systemd/system/sendense-node.service')).toBe(false);
  });

  test('a name of a user that could be more than that is refused', () => {
    expect(node('install', '--print', '--user', 'a\nb')).toMatchObject({ status: 2 });
  });

  test('of the hub: with its settings and the folder of its state', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(
      folder.file('sendense.yaml'),
      'state: /data/hub/sendense.db\nrepositories: { a: { path: /data/a } }\n',
    );
    const install = (...args: string[]) =>
      runCli(['hub', 'install', '--config', folder.file('sendense.yaml'), '--root', folder.path, ...args]);
    expect(await install()).toMatchObject({ exitCode: 0, stderr: '' });
    const text = readFileSync(unitIn(folder, 'sendense-hub'), 'utf8');
    expect(text).toMatch(
      new RegExp(`ExecStart=\\S+ \\S+/sendense-run\\.js hub --config ${folder.file('sendense.yaml')}\n`),
    );
    expect(text).toContain('ReadWritePaths=/data/hub\n');
    expect(text).toContain('Wants=sendense-files.service\n');
    expect(readFileSync(unitIn(folder, 'sendense-files'), 'utf8')).toMatch(
      /sendense-run\.js files keep --service --config /,
    );
    expect((await install('--json')).stdout).toContain('"did":"unchanged"');
    expect((await install('--remove')).stdout).toContain('removed');
    for (const name of ['sendense-hub', 'sendense-files'] as const)
      expect(existsSync(unitIn(folder, name))).toBe(false);
  });

  test('what reads files may make sandboxes, and has no network', () => {
    const text = unitText('sendense-files', { program: ['/x'], user: 'sendense' });
    for (const line of ['PrivateNetwork=yes', 'PrivateDevices=yes', 'NoNewPrivileges=yes', 'CapabilityBoundingSet='])
      expect(text).toContain(`${line}\n`);
    for (const line of ['ProtectKernelTunables', 'ProtectHostname', 'RestrictNamespaces=yes', 'AF_INET'])
      expect(text).not.toContain(line);
  });

  test.each([
    ['', ''],
    [', immutable: try', 'CAP_LINUX_IMMUTABLE'],
  ])('of the daemon: what it may do beyond its user is what the repositories%s need', async (more, capabilities) => {
    await using folder = await temporaryFolder();
    writeFileSync(folder.file('sendense.yaml'), `repositories: { a: { path: /data/a${more} } }\n`);
    const done = await runCli(['daemon', 'install', folder.path, '--root', folder.path]);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    const text = readFileSync(unitIn(folder, 'sendense-daemon'), 'utf8');
    expect(text).toContain(`CapabilityBoundingSet=${capabilities}\n`);
    expect(text.includes('AmbientCapabilities=')).toBe(capabilities !== '');
    expect(text).toContain('ReadWritePaths=-/data/a\n');
  });
});
