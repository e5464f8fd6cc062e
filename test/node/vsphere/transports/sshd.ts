import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../support/free-ports.ts';

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly identity: string;
  /** Knows the server. */
  readonly knownHosts: string;
  /** Has another key for it. */
  readonly otherKnownHosts: string;
}

/** An SSH server of its own for a test, on the loopback, with keys and configuration in `folder`; the system's is not touched. */
export async function startSshd(folder: string): Promise<Sshd> {
  const at = (name: string): string => join(folder, name);
  for (const name of ['host', 'other', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  // sshd wants this one where it runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  writeFileSync(at('authorized'), readFileSync(at('user.pub')), { mode: 0o600 });
  writeFileSync(
    at('config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'Subsystem sftp internal-sftp',
    ].join('\n'),
  );
  const known = (name: string): string => `[127.0.0.1]:${port} ${readFileSync(at(`${name}.pub`), 'utf8')}`;
  writeFileSync(at('known'), known('host'));
  writeFileSync(at('known-other'), known('other'));
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`sshd did not start: ${said}`);
    await delay(20);
  }
  return {
    port,
    user: userInfo().username,
    identity: at('user'),
    knownHosts: at('known'),
    otherKnownHosts: at('known-other'),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
