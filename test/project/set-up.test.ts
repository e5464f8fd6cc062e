import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeMachine } from './fake-machine.ts';

const count = (lines: readonly string[], start: string): number =>
  lines.filter((line) => line.startsWith(start)).length;

describe('setup.sh', () => {
  test('brings Node 24 and the npm packages, then runs the command with that Node and its exit code', async () => {
    using machine = fakeMachine('v20.1.0');
    const result = await machine.run(['sh', '-c', 'node hello && exit 7']);
    expect(result).toMatchObject({ code: 7, stdout: 'brought node: hello\n' });
    expect(result.stderr).toContain('the system has 20');
    expect(count(machine.calls(), 'npm ci --prefix')).toBe(1);
    expect(count(machine.calls(), 'npm ci --ignore-scripts')).toBe(1);
  });

  test('brings one version of Node only, and no other bytes than those of its digest', async () => {
    using machine = fakeMachine('v20.1.0');
    await machine.run([]);
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(join(machine.checkout, '.toolchain', name), 'utf8'));
    const [[name, version] = []] = Object.entries((read('package.json') as { dependencies: object }).dependencies);
    expect(version).toMatch(/^24\.[0-9]+\.[0-9]+$/);
    expect(read('package-lock.json')).toEqual({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: { [name as string]: version } },
        [`node_modules/${name}`]: { version, integrity: expect.stringMatching(/^sha512-[A-Za-z0-9+/]{86}==$/) },
      },
    });
  });

  test('does nothing and says nothing when everything is there', async () => {
    using machine = fakeMachine('v20.1.0');
    await machine.run([]);
    const before = machine.calls();
    const result = await machine.run(['node', 'hello']);
    expect(result).toEqual({ code: 0, stdout: 'brought node: hello\n', stderr: '' });
    expect(machine.calls()).toEqual(before);
  });

  test.for(['v24.7.0', 'v26.3.1'])("uses the system's Node %s", async (version) => {
    using machine = fakeMachine(version);
    const result = await machine.run(['node', 'hello']);
    expect(result).toMatchObject({ code: 0, stdout: 'system node: hello\n' });
    expect(count(machine.calls(), 'npm ci --prefix')).toBe(0);
  });

  test('brings Node 24 where the system has one without what hashes passwords', async () => {
    using machine = fakeMachine('v24.6.9');
    const result = await machine.run(['node', 'hello']);
    expect(result.stdout).toBe('brought node: hello\n');
    expect(result.stderr).toContain('Node 24.7 or later is needed, the system has 24.6.9');
  });

  test("brings Node 24 when the system's was downgraded since", async () => {
    using machine = fakeMachine('v24.7.0');
    await machine.run([]);
    machine.program('node', 'echo v18.0.0');
    expect((await machine.run(['node', 'hello'])).stdout).toBe('brought node: hello\n');
  });

  test('installs missing Debian packages, saying first which and what for', async () => {
    using machine = fakeMachine('v24.7.0');
    machine.remove('nbdkit', 'nbdcopy', 'nbdinfo');
    machine.program(
      'apt-get',
      `echo "apt-get $*" >>"$HOME/calls"
case $1 in install) for p in nbdkit nbdcopy nbdinfo; do cat "$HOME/bin/qemu-img" >"$HOME/bin/$p"; /bin/chmod +x "$HOME/bin/$p"; done ;; esac`,
    );
    const result = await machine.run([]);
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('nbdkit (serves changed areas), Debian package nbdkit');
    expect(result.stderr).toContain('installing with apt-get: libnbd-bin nbdkit');
    expect(machine.calls().slice(0, 2)).toEqual([
      'apt-get update -q',
      'apt-get install -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends libnbd-bin nbdkit',
    ]);
  });

  test('fails when a program is still missing afterwards', async () => {
    using machine = fakeMachine('v24.7.0');
    machine.remove('nbdkit');
    const result = await machine.run(['node', 'hello']);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('still missing after the installation: nbdkit');
  });

  test('names what is missing and stops where there is no apt-get', async () => {
    using machine = fakeMachine('v24.7.0');
    machine.remove('nbdkit', 'apt-get');
    const result = await machine.run(['node', 'hello']);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/nbdkit \(serves changed areas\)[^]*not Debian or Ubuntu/);
    expect(machine.calls()).toEqual([]);
  });

  test('without root and sudo it says what root has to run', async () => {
    using machine = fakeMachine('v24.7.0');
    machine.remove('nbdkit');
    machine.program('id', 'echo 1000');
    const result = await machine.run([]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('as root, run  apt-get install nbdkit');
  });

  test('uses sudo without root', async () => {
    using machine = fakeMachine('v24.7.0');
    machine.remove('nbdkit');
    machine.program('id', 'echo 1000');
    machine.program('sudo', 'echo "sudo $*" >>"$HOME/calls"');
    await machine.run([]);
    expect(machine.calls()[1]).toBe(
      'sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends nbdkit',
    );
  });

  test('brings what only the tests need when it is for tests, and goes on without the vddk plugin, govc, Debian system and Linux guest', async () => {
    using machine = fakeMachine('v24.7.0');
    const folder = join(machine.checkout, 'test/simulators/vcenter');
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(machine.checkout, 'test/services'));
    mkdirSync(join(machine.checkout, 'test/guests'));
    const script = (name: string, end: string, path = join(folder, name)): void =>
      writeFileSync(path, `#!/bin/sh\necho "${name}" >>"$HOME/calls"\n${end}\n`, { mode: 0o755 });
    script('ready.sh', 'echo /somewhere');
    script('setup-vddk-plugin.sh', 'exit 1');
    script('setup-govc.sh', 'exit 1');
    script('debian-root', 'exit 1', join(machine.checkout, 'test/services/make-debian-root.sh'));
    script('linux-guest', 'exit 1', join(machine.checkout, 'test/guests/make-linux-guest.sh'));
    machine.program(
      'apt-get',
      `echo "apt-get $*" >>"$HOME/calls"
case $1 in install) for p in go cc ssh sshd nft strace qemu-system-x86_64 debootstrap systemd-analyze dpkg-deb python3 mcopy objcopy linux.uml bwrap busybox mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.exfat mount.exfat-fuse fuse2fs ntfs-3g genisoimage mkudffs lvm mdadm cryptsetup dmsetup getfattr setfacl 7zz sshfs zsh fish virsh xmllint chromium-headless-shell; do cat "$HOME/bin/qemu-img" >"$HOME/bin/$p"; /bin/chmod +x "$HOME/bin/$p"; done ;; esac`,
    );
    expect((await machine.run(['node', 'hello'])).code).toBe(0);
    expect(count(machine.calls(), 'apt-get')).toBe(0);
    const result = await machine.run(['--tests', 'node', 'hello']);
    expect(result).toMatchObject({ code: 0, stdout: 'system node: hello\n' });
    expect(result.stderr).toContain('go (builds the test vCenter), Debian package golang-go');
    expect(machine.calls().filter((call) => call.startsWith('apt-get install'))[0]).toMatch(/ dpkg .*golang-go/);
    expect(machine.calls().slice(-5).toSorted()).toEqual([
      'debian-root',
      'linux-guest',
      'ready.sh',
      'setup-govc.sh',
      'setup-vddk-plugin.sh',
    ]);
  });

  test('repeats an installation of npm packages that was interrupted', async () => {
    using machine = fakeMachine('v24.7.0');
    const ok = 'rm -rf node_modules && mkdir node_modules';
    machine.program('npm', `echo "npm $*" >>"$HOME/calls"; [ "$1" != ci ] || { ${ok}; exit 1; }`);
    const first = await machine.run(['node', 'hello']);
    expect(first).toMatchObject({ code: 1, stdout: '' });
    machine.program('npm', `echo "npm $*" >>"$HOME/calls"; [ "$1" != ci ] || { ${ok}; }`);
    expect((await machine.run(['node', 'hello'])).code).toBe(0);
    expect(count(machine.calls(), 'npm ci --ignore-scripts')).toBe(2);
  });

  test('installs again when the lock file changed or node_modules was removed', async () => {
    using machine = fakeMachine('v24.7.0');
    await machine.run([]);
    writeFileSync(join(machine.checkout, 'package-lock.json'), '{}\n');
    await machine.run([]);
    rmSync(join(machine.checkout, 'node_modules'), { recursive: true });
    await machine.run([]);
    expect(count(machine.calls(), 'npm ci --ignore-scripts')).toBe(3);
  });

  test('bundles the programs again when the source changed, and goes on where that fails', async () => {
    using machine = fakeMachine('v24.7.0');
    await machine.run([]);
    const after = new Date(Date.now() + 60_000);
    utimesSync(join(machine.checkout, 'src/cli/checkout.sh'), after, after);
    machine.program('npm', 'echo "npm $*" >>"$HOME/calls"; exit 1');
    const result = await machine.run(['node', 'hello']);
    expect(result).toMatchObject({ code: 0, stdout: 'system node: hello\n' });
    expect(result.stderr).toContain('they run from src/ and start slower');
    expect(count(machine.calls(), 'npm run build')).toBe(2);
  });

  test('two at once install once', async () => {
    using machine = fakeMachine('v20.1.0');
    const results = await Promise.all([
      machine.run(['node', 'a']),
      machine.run(['node', 'b']),
      machine.run(['node', 'c']),
    ]);
    expect(results.map((result) => result.code)).toEqual([0, 0, 0]);
    expect(count(machine.calls(), 'npm ci --ignore-scripts')).toBe(1);
    expect(count(machine.calls(), 'npm ci --prefix')).toBe(1);
  });

  test('two builds at once bundle one after the other, and both end well', async () => {
    using machine = fakeMachine('v24.7.0');
    writeFileSync(join(machine.checkout, 'packaging/compile-native.sh'), '#!/bin/sh\n', { mode: 0o755 });
    // Two that bundle at the same time are found: a folder can be made once.
    const bundle = 'mkdir dist/busy && mv dist/busy "dist/idle.$$"';
    // The first one is not done before the others wait for it.
    const wait = 'until [ -e "$HOME/go" ]; do sleep 0.02; done';
    machine.program('rolldown', `echo "rolldown $*" >>"$HOME/calls"; ${wait}; ${bundle}`);
    machine.program('flock', 'echo "flock $*" >>"$HOME/calls"; exec /usr/bin/flock "$@"');
    const build = () => machine.run([], { program: join(machine.checkout, 'packaging/build.sh') });
    const builds = [build(), build(), build(), build()];
    await expect.poll(() => count(machine.calls(), 'flock 9'), { timeout: 200_000 }).toBe(3);
    writeFileSync(join(machine.checkout, '../go'), '');
    expect((await Promise.all(builds)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(existsSync(join(machine.checkout, 'dist/.built'))).toBe(true);
    expect(count(machine.calls(), 'rolldown')).toBeLessThan(4);
    // Asked for alone it bundles whatever there is.
    const before = count(machine.calls(), 'rolldown');
    expect((await build()).code).toBe(0);
    expect(count(machine.calls(), 'rolldown')).toBe(before + 1);
  });

  test('says which part stays slower without a compiler, and goes on', async () => {
    using machine = fakeMachine('v24.7.0');
    const result = await machine.run([]);
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/make is missing, so ssh2 stays without its native cryptography/);
  });
});

describe.for(['sendense-run', 'sendense-node', 'sendense-backup-client'])('./%s', (name) => {
  test('says which command makes the checkout ready when it is not', async () => {
    using machine = fakeMachine('v24.7.0');
    const result = await machine.run([], { program: join(machine.checkout, name) });
    expect(result).toMatchObject({ code: 70, stdout: '' });
    expect(result.stderr).toBe(`${name}: this checkout is not set up yet; run ${machine.checkout}/setup.sh\n`);
  });

  test('runs the source once something there is newer than the bundle', async () => {
    using machine = fakeMachine('v24.7.0');
    await machine.run([]);
    const program = join(machine.checkout, name);
    const [before, after] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
    utimesSync(join(machine.checkout, 'src/cli/checkout.sh'), after, after);
    expect((await machine.run([], { program })).stdout).toBe(`system node: ${machine.checkout}/src/cli/${name}.ts\n`);
    utimesSync(join(machine.checkout, 'src/cli/checkout.sh'), before, before);
    expect((await machine.run([], { program })).stdout).toBe(`system node: ${machine.checkout}/dist/cli/${name}.js\n`);
  });

  test('runs from any folder, through a link of another name, with its arguments as they are', async () => {
    using machine = fakeMachine('v24.7.0');
    await machine.run([]);
    const elsewhere = join(machine.checkout, 'else where');
    mkdirSync(elsewhere);
    symlinkSync(join('..', name), join(elsewhere, 'link'));
    const result = await machine.run(['a b', '--c'], { program: join(elsewhere, 'link'), cwd: elsewhere });
    expect(result).toEqual({
      code: 0,
      stdout: `system node: ${machine.checkout}/dist/cli/${name}.js a b --c\n`,
      stderr: '',
    });
    expect(existsSync(join(machine.checkout, '.toolchain/bin/node'))).toBe(true);
  });
});
