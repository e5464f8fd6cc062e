import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { temporaryFolder } from '../temporary-folder.ts';

/** A libvirtd with nothing but its own. */
export interface OwnLibvirtd extends AsyncDisposable {
  /** Where it answers. */
  readonly uri: string;
  virsh(...words: string[]): Promise<string>;
  /** What goes before a program that shall run in its namespaces: there `qemu:///system` is this libvirtd. */
  readonly prefix: readonly string[];
  /** All serial ports belong to the process with this number in its namespace; null: to nobody. */
  lockSerialPorts(pid: number | null): Promise<void>;
}

/** Where a libvirtd keeps what it knows, and what it must not reach: the bus of the system, by which it would ask systemd for things. */
const places = {
  run: '/run/libvirt',
  lib: '/var/lib/libvirt',
  cache: '/var/cache/libvirt',
  log: '/var/log/libvirt',
  etc: '/etc/libvirt',
  bus: '/run/dbus',
  /** Its locks for serial ports have the number of a process in them, which is another process outside of the namespace. */
  lock: '/run/lock',
};
const startMs = 60_000;

export interface OwnLibvirtdOptions {
  /** Bridges that its namespace has. */
  readonly bridges?: readonly string[];
  /** What /etc/qemu/bridge.conf says there; default: what it says on this machine. */
  readonly bridgeConf?: string;
}

/**
 * Starts a libvirtd in namespaces of its own: all that it would write goes to a folder of the test, it sees no network but bridges that
 * nothing else is in, and whatever it starts is gone when it is. Only root can. Its VMs run as root, because no other user gets into the
 * folders of tests.
 */
export async function ownLibvirtd({ bridges = [], bridgeConf }: OwnLibvirtdOptions = {}): Promise<OwnLibvirtd> {
  const folder = await temporaryFolder();
  for (const name of Object.keys(places)) await mkdir(folder.file(name));
  await chmod(folder.path, 0o711);
  const config = 'unix_sock_group = "root"\nauth_unix_rw = "none"\nlog_outputs = "3:stderr"\n';
  await writeFile(folder.file('libvirtd.conf'), config);
  // Without virtlogd, which would be another daemon.
  const qemu = 'stdio_handler = "file"\nuser = "root"\ngroup = "root"\nremember_owner = 0\n';
  await writeFile(folder.file('etc', 'qemu.conf'), qemu);
  const mounts = Object.entries(places).map(
    ([name, place]) => `[ ! -d ${place} ] || mount --bind "$0/${name}" ${place}`,
  );
  // What /sys says of networks belongs to the namespace in which it is mounted. The control groups stay below it.
  const network = [
    'mkdir "$0/cgroup"',
    'mount --rbind /sys/fs/cgroup "$0/cgroup"',
    'mount -t sysfs sysfs /sys',
    'mount --rbind "$0/cgroup" /sys/fs/cgroup',
    ...bridges.map((name) => `ip link add ${name} up type bridge`),
  ];
  if (bridgeConf !== undefined) await writeFile(folder.file('bridge.conf'), bridgeConf);
  // A layer over /etc, because the machine need not have the folder.
  const permitted = [
    'mkdir "$0/over"',
    'mount -t tmpfs tmpfs "$0/over"',
    'mkdir "$0/over/work" "$0/over/etc" "$0/over/etc/qemu"',
    'cp "$0/bridge.conf" "$0/over/etc/qemu/"',
    'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/over/etc,workdir=$0/over/work" /etc',
  ];
  // A shell is the first process of the namespace: it buries the VMs, for which libvirtd would wait.
  const start = 'libvirtd -p "$0/pid" -f "$0/libvirtd.conf" & wait';
  const script = [
    'set -e',
    'mkdir -p /run/libvirt /run/lock',
    ...(bridges.length === 0 ? [] : network),
    ...(bridgeConf === undefined ? [] : permitted),
    ...mounts,
    start,
  ];
  const daemon = spawn(
    'unshare',
    ['-m', '-n', '-p', '-f', '--kill-child', '--mount-proc', 'sh', '-c', script.join('\n'), folder.path],
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const ended = once(daemon, 'exit');
  let said = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  // The first process of its namespace: with it end all others there, before this one.
  const first = (): string => readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim();
  const stop = async (): Promise<void> => {
    const pid = first();
    if (/^[0-9]+$/.test(pid)) process.kill(Number(pid), 'SIGKILL');
    else daemon.kill('SIGKILL');
    await ended;
    await folder[Symbol.asyncDispose]();
  };
  const uri = `qemu:///system?socket=${folder.file('run', 'libvirt-sock')}`;
  const virsh = async (...words: string[]): Promise<string> =>
    (await execa('virsh', ['-q', '-c', uri, ...words], { timeout: startMs })).stdout.trim();
  const lockSerialPorts = async (pid: number | null): Promise<void> => {
    for (let number = 0; number < 64; number += 1) {
      const file = folder.file('lock', `LCK.._pts_${number}`);
      await (pid === null ? rm(file, { force: true }) : writeFile(file, `${String(pid).padStart(10)}\n`));
    }
  };
  const until = AbortSignal.timeout(startMs);
  for (;;) {
    if (existsSync(folder.file('run', 'libvirt-sock')) && (await virsh('uri').catch(() => '')) !== '')
      return { uri, virsh, prefix: insideOf(first()), lockSerialPorts, [Symbol.asyncDispose]: stop };
    if (until.aborted || daemon.exitCode !== null) {
      await stop().catch(() => undefined);
      throw new Error(`libvirtd does not answer: ${said}`);
    }
    await delay(50);
  }
}

/** A program that enters has to find its folder anew. */
const insideOf = (pid: string): string[] => {
  const enter = ['nsenter', '--target', pid, '--mount', '--net', '--pid', '--', 'sh', '-c'];
  return [...enter, 'cd "$OLDPWD" && exec "$@"', 'sh'];
};
