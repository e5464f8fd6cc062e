import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeKeyPair } from '../../src/host/ssh/keys.ts';
import type { SshServer } from '../../src/host/ssh/tunnel.ts';
import { freePort } from './free-ports.ts';

export interface SshdOptions {
  /** Lines that go before our own in sshd_config. */
  readonly config?: readonly string[];
  /** Lines that go after them, such as a Match block. */
  readonly last?: readonly string[];
  /** Options before the key in authorized_keys, such as `restrict,permitopen="…"`. */
  readonly keyOptions?: string;
  readonly address?: string;
  readonly port?: number;
  /** How it is started, such as `['ip', 'netns', 'exec', 'NAME']`. */
  readonly prefix?: readonly string[];
}

export interface Sshd extends AsyncDisposable {
  readonly server: SshServer;
  /** The private key that it lets in. */
  readonly keyFile: string;
  readonly log: () => string;
  /** Ends it with every connection, as a reboot does. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Processes of connections. */
  sessions(): number[];
}

/** OpenSSH's server for a test, with keys and configuration of its own in `folder`; the system's is not touched. */
export async function startSshd(folder: string, options: SshdOptions = {}): Promise<Sshd> {
  mkdirSync(folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const { address = '127.0.0.1', port = await freePort(), prefix = [] } = options;
  const host = makeKeyPair('host');
  const user = makeKeyPair('user');
  writeFileSync(at('host'), host.privateKey, { mode: 0o600 });
  writeFileSync(at('user'), user.privateKey, { mode: 0o600 });
  writeFileSync(at('authorized'), `${options.keyOptions ?? ''} ${user.publicKey}\n`.trimStart(), { mode: 0o600 });
  writeFileSync(
    at('config'),
    [
      ...(options.config ?? []),
      `ListenAddress ${address}:${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      // Not what this user's shell does at its start: it may be slow, and an sshd that is killed breaks it off.
      `SetEnv HOME=${folder}`,
      'MaxStartups 100',
      'LogLevel VERBOSE',
      ...(options.last ?? []),
      '',
    ].join('\n'),
  );
  // sshd wants this one where it runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  let child: ChildProcess | null = null;
  let said = '';
  const sessions = (): number[] => (child?.pid === undefined ? [] : descendants(child.pid));

  const start = async (): Promise<void> => {
    const [file = '', ...args] = [...prefix, '/usr/sbin/sshd', '-D', '-e', '-f', at('config')];
    const started = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    started.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child = started;
    const from = said.length;
    while (!/Server listening/.test(said.slice(from))) {
      if (started.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
      await delay(10);
    }
  };
  const stop = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const own = sessions();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = null;
    for (const pid of own) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
  };
  await start();
  return {
    server: { host: address, port, user: userInfo().username, hostKeys: [host.publicKey] },
    keyFile: at('user'),
    log: () => said,
    stop,
    start,
    sessions,
    [Symbol.asyncDispose]: stop,
  };
}

function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && parentOf(name) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return -1;
  }
}
