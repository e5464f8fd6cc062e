import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPackages } from '../../packaging/deb/build-packages.ts';
import { findSshd } from '../../src/host/ssh/sshd-process.ts';
import { bootMachine, type Machine } from './machine.ts';
import { testAtFullLength } from '../support/at-full-length.ts';
import { all } from '../support/rounds.ts';

const root = join(import.meta.dirname, '../..');
const epoch = 1_700_000_000;

let folder = '';
const build = (name: string, version: string): string[] =>
  buildPackages({
    root,
    out: join(folder, name),
    version,
    epoch,
    compression: all ? { program: 'gzip', level: 1 } : { program: 'none', level: 0 },
  });
const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'deb-'));
  build('old', '1.0.0');
  if (all) build('new', '1.0.1');
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

testAtFullLength(
  'the same source makes the same packages',
  () => {
    const again = build('again', '1.0.1');
    expect(again.map((file) => [basename(file), digest(file)])).toEqual(
      again.map((file) => [basename(file), digest(join(folder, 'new', basename(file)))]),
    );
  },
  300_000,
);

test('a package that is being made does not bear its name yet, and is told of', () => {
  const told: string[] = [];
  const out = join(folder, 'interrupted');
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  // What is left when it is stopped in the middle.
  const half = '#!/bin/sh\nfor last in "$@"; do :; done\necho half >"$last"\nexit 1\n';
  writeFileSync(join(programs, 'dpkg-deb'), half, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${programs}:${path}`;
  try {
    const compression = { program: 'none', level: 0 } as const;
    const onBuild = (file: string): void => void told.push(basename(file));
    expect(() => buildPackages({ root, out, version: '1.0.0', epoch, compression, onBuild })).toThrow('dpkg-deb');
  } finally {
    process.env['PATH'] = path;
  }
  expect(told).toEqual([expect.stringMatching(/^sendense-.*\.deb$/)]);
  expect(readdirSync(out).filter((name) => name.endsWith('.deb'))).toEqual([]);
});

test('every file belongs to root, and none can be written by others', () => {
  for (const name of readdirSync(join(folder, 'old'))) {
    const lines = execFileSync('dpkg-deb', ['--contents', join(folder, 'old', name)], { encoding: 'utf8' });
    for (const line of lines.trim().split('\n')) expect(line).toMatch(/^[-d]rw[-x]r-[-x]r-[-x] root\/root /);
  }
});

describe.skipIf(process.getuid?.() !== 0)('on a machine', { timeout: 300_000 }, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await bootMachine(folder);
  }, 300_000);
  afterAll(() => machine?.[Symbol.asyncDispose]());

  const install = (version: string): string => machine.do(`dpkg --force-confold -i /packages/${version}/*.deb`);
  const show = (unit: string, ...names: string[]): Record<string, string> =>
    Object.fromEntries(
      machine
        .do(`systemctl show ${names.map((name) => `-p ${name}`).join(' ')} ${unit}`)
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  const asUser = 'setpriv --reuid sendense --regid sendense --clear-groups env HOME=/var/lib/sendense';
  const until = async (script: string): Promise<void> => {
    const deadline = Date.now() + 120_000;
    while (machine.run(script).code !== 0) {
      if (Date.now() > deadline) machine.do(script);
      await delay(100);
    }
  };
  /** The node is at another site: in a network of its own, with one cable to the hub. */
  const makeSite = (): void => {
    machine.do(`set -e
      ip netns add site
      ip link add hub0 type veth peer name node0 netns site
      ip addr add 192.0.2.1/24 dev hub0; ip link set hub0 up
      ip -n site addr add 192.0.2.2/24 dev node0; ip -n site link set node0 up; ip -n site link set lo up
      for unit in node tunnel; do
        mkdir -p /etc/systemd/system/sendense-$unit.service.d
        printf '[Service]\\nNetworkNamespacePath=/run/netns/site\\n' > /etc/systemd/system/sendense-$unit.service.d/site.conf
      done
      systemctl daemon-reload`);
  };

  test('installing starts nothing, and its dependencies are those of Debian', () => {
    expect(install('old')).toContain('nothing runs yet');
    expect(machine.do("dpkg-query -W -f '${Status} ${Version}\\n' 'sendense-*'").trim().split('\n')).toEqual(
      Array.from({ length: 3 }, () => 'install ok installed 1.0.0'),
    );
    for (const unit of ['sendense-node', 'sendense-tunnel', 'sendense-hub', 'sendense-files', 'sendense-daemon'])
      expect(show(unit, 'ActiveState', 'UnitFileState')).toEqual({
        ActiveState: 'inactive',
        UnitFileState: 'disabled',
      });
    expect(machine.do('stat -c "%a %U" /var/lib/sendense /var/lib/sendense-node /srv/sendense').trim()).toBe(
      '700 sendense\n700 sendense\n700 sendense',
    );
    expect(machine.do('sendense-run --version; sendense-node --version')).toBe('0.1.0\n0.1.0\n');
  });

  test('hub and node start hardened, on port 443, and say that they are ready', () => {
    makeSite();
    machine.do(`sed -i "s/^# hub: .*/hub: { listen: '192.0.2.1:443' }/" /etc/sendense/sendense.yaml`);
    machine.do('sendense-run hub install && sendense-run daemon install && sendense-node install --tunnel');
    expect(machine.do('ls /etc/systemd/system | grep -c "sendense.*service$" || true').trim()).toBe('0');
    expect(show('sendense-hub', 'ActiveState', 'StatusText', 'User', 'WatchdogUSec')).toEqual({
      ActiveState: 'active',
      StatusText: 'nodes connect to 192.0.2.1:443, API on http://127.0.0.1:8082',
      User: 'sendense',
      WatchdogUSec: '1min',
    });
    expect(show('sendense-node', 'ActiveState', 'StatusText')).toEqual({
      ActiveState: 'active',
      StatusText: 'listening on http://127.0.0.1:8081',
    });
    expect(show('sendense-daemon', 'ActiveState', 'User', 'FragmentPath')).toEqual({
      ActiveState: 'active',
      User: 'sendense',
      FragmentPath: expect.stringMatching(/^(\/usr)?\/lib\/systemd\/system\/sendense-daemon.service$/) as string,
    });
    // Not enrolled: no reason to fail.
    expect(show('sendense-tunnel', 'ActiveState', 'ConditionResult')).toEqual({
      ActiveState: 'inactive',
      ConditionResult: 'no',
    });
    for (const [unit, capabilities] of [
      ['sendense-hub', '400'],
      ['sendense-node', '0'],
      ['sendense-daemon', '0'],
    ] as const) {
      const { MainPID: pid } = show(unit, 'MainPID');
      const status = machine.do(`cat /proc/${pid}/status`);
      expect(status).toMatch(new RegExp(`CapEff:\\t0*${capabilities}\n`));
      expect(status).toMatch(/NoNewPrivs:\t1\n/);
      expect(status).toMatch(/Seccomp:\t2\n/);
    }
  });

  test('the node enrols, links itself, and is backed up through the services', async () => {
    machine.do(`${asUser} sendense-run node add site-b > /tmp/token
      ip netns exec site ${asUser} sendense-node enroll --hub 192.0.2.1 --token-file - < /tmp/token
      systemctl start sendense-tunnel`);
    await until('systemctl show -p StatusText sendense-tunnel | grep -q "=up: 192.0.2.1:443"');
    await until(`${asUser} sendense-run node list --json | grep -q connected`);
    machine.do(`mkdir /srv/vm && head -c 4M /dev/urandom > /srv/vm/web1.raw
      printf '%s\\n' 'sources:' '  lab: { type: image, vms: { web1: { disks: [{ path: /srv/vm/web1.raw }] } } }' >> /etc/sendense/sendense.yaml
      printf '%s\\n' 'kind: backup' 'name: web1' 'vm: { name: web1 }' 'node: site-b' 'repository: primary' > /etc/sendense/web1.yaml`);
    expect(machine.do(`${asUser} sendense-run /etc/sendense/web1.yaml --quiet`)).toMatch(/^web1: succeeded/);
    machine.do(`cd /tmp && ${asUser} sendense-run restore web1 --config /etc/sendense/sendense.yaml --to /var/lib/sendense/restored --quiet
      cmp /srv/vm/web1.raw /var/lib/sendense/restored/disk-0.raw && rm -r /var/lib/sendense/restored`);
  });

  testAtFullLength('the daemon runs a plan that is due', async () => {
    machine.do(`sed 's/^name: web1/name: web1-nightly/' /etc/sendense/web1.yaml > /etc/sendense/nightly.yaml
      echo 'schedule: { cron: "*/5 * * * * *", overlap: skip }' >> /etc/sendense/nightly.yaml`);
    const list = `cd /etc/sendense && ${asUser} sendense-run schedule list --json`;
    await until(`cd /etc/sendense && ${asUser} sendense-run schedule history --json | grep -q succeeded`);
    machine.do('rm /etc/sendense/nightly.yaml');
    await until(`! (${list} | grep -q web1-nightly)`);
  });

  testAtFullLength('the hardened hub hands the disks to an sshd, where there is one', async () => {
    const sshd = findSshd();
    if (sshd === null) throw new Error('there is no sshd');
    const libraries = execFileSync('ldd', [sshd], { encoding: 'utf8' }).match(/\/\S+\.so\S*/g) ?? [];
    mkdirSync(join(folder, 'sshd/lib'), { recursive: true });
    copyFileSync(sshd, join(folder, 'sshd/sshd'));
    for (const file of libraries) copyFileSync(file, join(folder, 'sshd/lib', basename(file)));
    machine.do(`cp /packages/sshd/sshd /usr/sbin/sshd && chmod 755 /usr/sbin/sshd
      cp -n /packages/sshd/lib/* "$(dirname "$(ls /usr/lib/*/libc.so.6)")" || true
      systemctl restart sendense-hub`);
    await until(`${asUser} sendense-run node list --json | grep -q '"data":"sshd"'`);
    machine.do('printf changed | dd of=/srv/vm/web1.raw conv=notrunc status=none');
    expect(machine.do(`${asUser} sendense-run /etc/sendense/web1.yaml --quiet`)).toMatch(/^web1: succeeded/);
    machine.do('rm /usr/sbin/sshd && systemctl restart sendense-hub');
    await until(`${asUser} sendense-run node list --json | grep -q '"data":"builtin"'`);
  });

  test('the journal has what happened and no secrets', () => {
    const journal = machine.do("journalctl --no-pager --output cat --unit 'sendense-*'");
    expect(journal).toContain('linked with the hub as site-b');
    const tokens = machine.do(
      'cat /var/lib/sendense-node/token /var/lib/sendense/hub-api.token; grep -o "sendense1.*" /tmp/token',
    );
    for (const token of tokens.trim().split('\n')) expect(journal).not.toContain(token.trim());
  });

  testAtFullLength('warnings of the hub are warnings of the journal', async () => {
    const node = '/usr/lib/sendense/bin/node';
    expect(
      machine.do(`${node} -p 'fetch("http://127.0.0.1:8082/api/v1/health").then((a) => console.log(a.status)); ""'`),
    ).toContain('401');
    await until('journalctl --no-pager --unit sendense-hub --priority warning | grep -q "request failed"');
  });

  testAtFullLength('the token of the API can come as a credential of systemd', () => {
    machine.do(`set -e
      install -d -m 0700 /etc/credstore
      (umask 077; echo canary-0123456789abcdef > /etc/credstore/sendense-node.token)
      systemctl restart sendense-node`);
    const ask = `fetch("http://127.0.0.1:8081/api/v1/health", { headers: { authorization: "Bearer canary-0123456789abcdef" } }).then((a) => console.log(a.status)); ""`;
    expect(machine.do(`ip netns exec site /usr/lib/sendense/bin/node -p '${ask}'`)).toContain('200');
    expect(machine.do('journalctl --no-pager --output cat')).not.toContain('canary-0123456789abcdef');
    machine.do('rm -r /etc/credstore && systemctl restart sendense-node');
  });

  testAtFullLength('a service that hangs is started anew by its watchdog', async () => {
    machine.do(`for unit in node hub; do
        mkdir -p /run/systemd/system/sendense-$unit.service.d
        printf '[Service]\\nWatchdogSec=2\\nRestartSec=0\\n' > /run/systemd/system/sendense-$unit.service.d/quick.conf
      done
      systemctl daemon-reload && systemctl restart sendense-node sendense-hub`);
    for (const unit of ['sendense-node', 'sendense-hub']) {
      const before = show(unit, 'MainPID', 'NRestarts', 'WatchdogTimestampMonotonic');
      // It is fed, so it lives on.
      await until(
        `test "$(systemctl show -p WatchdogTimestampMonotonic --value ${unit})" != ${before['WatchdogTimestampMonotonic']}`,
      );
      expect(show(unit, 'MainPID', 'NRestarts')).toEqual({ MainPID: before['MainPID'], NRestarts: '0' });
      machine.do(`kill -STOP ${before['MainPID']}`);
      await until(`test "$(systemctl show -p NRestarts --value ${unit})" = 1 && systemctl is-active ${unit}`);
      expect(show(unit, 'MainPID')['MainPID']).not.toBe(before['MainPID']);
    }
    machine.do(
      'rm -r /run/systemd/system/sendense-*.d && systemctl daemon-reload && systemctl restart sendense-node sendense-hub',
    );
  });

  testAtFullLength('an upgrade starts the services anew; settings and enrolment stay', async () => {
    const units = ['sendense-node', 'sendense-tunnel', 'sendense-hub', 'sendense-files', 'sendense-daemon'];
    const before = units.map((unit) => show(unit, 'MainPID'));
    install('new');
    const after = units.map((unit) => show(unit, 'MainPID', 'ActiveState'));
    for (const [index, { MainPID: pid, ActiveState: state }] of after.entries()) {
      expect(state).toBe('active');
      expect(pid).not.toBe(before[index]?.['MainPID']);
    }
    await until(`${asUser} sendense-run node list --json | grep -q connected`);
  });

  testAtFullLength('a job outlives a restart of the node, and no upgrade takes its files away', async () => {
    machine.do(`set -e
      truncate -s 64M /srv/vm/slow.raw && head -c 32M /dev/urandom | dd of=/srv/vm/slow.raw conv=notrunc status=none
      sed -i 's|web1.raw }\\] } }|web1.raw }] }, slow: { disks: [{ path: /srv/vm/slow.raw }] } }|' /etc/sendense/sendense.yaml
      printf '%s\\n' 'kind: backup' 'name: slow' 'vm: { name: slow }' 'node: site-b' 'repository: primary' 'limits: { jobRate: 8MiB }' > /etc/sendense/slow.yaml
      systemd-run --quiet --unit slow --uid sendense --setenv HOME=/var/lib/sendense --property RemainAfterExit=yes sendense-run /etc/sendense/slow.yaml --quiet`);
    await until("grep -qs '[s]endense-backup-client' /proc/[0-9]*/cmdline");
    machine.do('systemctl restart sendense-node');
    const refused = machine.run('dpkg --force-confold -i /packages/old/sendense-common_*.deb');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('wait for their end');
    await until('systemctl show -p SubState --value slow | grep -q "exited\\|failed"');
    expect(show('slow', 'Result', 'ExecMainStatus')).toEqual({ Result: 'success', ExecMainStatus: '0' });
  });

  test('removing keeps settings and state; purging leaves the repository and its user alone', () => {
    machine.do('dpkg --remove sendense-node sendense-hub sendense-common');
    expect(
      machine.run('systemctl is-active sendense-node sendense-hub sendense-tunnel sendense-daemon').stdout,
    ).not.toContain('\nactive');
    machine.do(
      'test -f /etc/sendense/sendense.yaml && test -f /var/lib/sendense/sendense.db && test ! -e /usr/lib/sendense',
    );
    machine.do('rm -rf /etc/systemd/system/sendense-*.d /etc/sendense/web1.yaml /etc/sendense/slow.yaml');
    machine.do('dpkg --purge sendense-node sendense-hub sendense-common');
    const left = machine.do(
      'find / -xdev \\( -path /proc -o -path /packages -o -path /var/lib/dpkg -o -path /tmp \\) -prune -o -path /srv/sendense -print -prune -o -name "*sendense*" -print; find /etc/systemd/system /run/systemd/system -name "*sendense*"; find /var/lib/sendense /etc/sendense -mindepth 1 2>/dev/null || true',
    );
    expect(left.trim().split('\n')).toEqual(['/srv/sendense']);
    expect(Number(machine.do('find /srv/sendense -name "*.qcow2" | wc -l'))).toBeGreaterThanOrEqual(all ? 3 : 1);
    expect(machine.do('stat -c %U /srv/sendense').trim()).toBe('sendense');
  });
});
