import { randomInt } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { keyPairFromSeed, makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { startFile } from '../../../src/schemas/package.ts';
import type { NodeAddedOutput, SshdConfigOutput } from '../../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';
import { freePorts } from '../../support/free-ports.ts';

/** A user of this machine can be made for the test; else its tests are skipped. */
export const canMakeUsers = process.getuid?.() === 0;

/** execa's own name of this type costs the compiler 4 s. */
type Ssh = ReturnType<typeof startSsh>;
const startSsh = (words: readonly string[]) => execa('ssh', words, { reject: false });

export interface OpensshBench extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly user: string;
  /** sshd_config of the sshd below. */
  readonly sshdConfig: string;
  readonly authorizedKeys: string;
  readonly nbdPort: number;
  readonly apiPort: number;
  readonly reversePort: number;
  /** `sendense-run` as the nodes' user. */
  run(...args: string[]): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }>;
  add(name: string, ...more: string[]): Promise<{ oneTimeKeyFile: string }>;
  /** Adds and enrols; answers the file of its key. */
  enrol(name: string): Promise<string>;
  ssh(keyFile: string, options: readonly string[], command?: readonly string[]): Ssh;
  check(): Promise<SshdConfigOutput>;
  /** Root sees more. */
  checkAsRoot(): Promise<SshdConfigOutput>;
}

/** A hub behind an sshd of its own, with a user made for it: all as `sendense-run node sshd-config` says. */
export async function opensshBench(): Promise<OpensshBench> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const user = `sdt${process.pid}${randomInt(1000)}`;
  await execa('useradd', [
    '--no-create-home',
    '--home-dir',
    folder.path,
    '--shell',
    '/bin/sh',
    '--password',
    '*',
    user,
  ]);
  stack.defer(async () => void (await execa('userdel', ['--force', user], { reject: false })));
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await execa('id', [flag, user])).stdout)),
  );
  const [from = 0] = await freePorts(14);
  const host = makeKeyPair('host');
  const keys = folder.file('sshd');
  mkdirSync(keys);
  writeFileSync(`${keys}/host`, host.privateKey, { mode: 0o600 });
  writeFileSync(`${keys}/host.pub`, `${host.publicKey}\n`);
  writeFileSync(
    folder.file('sendense.yaml'),
    [
      'version: 1',
      'repositories: { primary: { path: ./repository } }',
      `ports: { from: ${from + 10}, to: ${from + 13} }`,
      `hub: { ssh: openssh, user: ${user}, hostKey: ./sshd/host.pub, api: '127.0.0.1:${from + 1}', nodePorts: { from: ${from + 2}, to: ${from + 9} } }`,
    ].join('\n'),
  );
  chownSync(folder.path, uid ?? 0, gid ?? 0);
  chmodSync(folder.path, 0o755);
  const run: OpensshBench['run'] = async (...args) => {
    const words = [process.execPath, startFile('cli/sendense-run'), '--config', folder.file('sendense.yaml'), ...args];
    const { exitCode, stdout, stderr } = await execa('runuser', ['-u', user, '--', ...words], {
      reject: false,
      cwd: folder.path,
      env: { TMPDIR: folder.path },
    });
    return { exitCode, stdout, stderr };
  };
  const config = (await run('node', 'sshd-config')).stdout;
  const sshdConfig = `${keys}/config`;
  writeFileSync(
    sshdConfig,
    [
      `ListenAddress 127.0.0.1:${from}`,
      `HostKey ${keys}/host`,
      'PidFile none',
      'UsePAM no',
      'LogLevel VERBOSE',
      config,
    ].join('\n'),
  );
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', sshdConfig], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  sshd.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  stack.defer(async () => {
    const ended = once(sshd, 'exit');
    sshd.kill();
    await ended;
  });
  while (!/Server listening/.test(said)) {
    if (sshd.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
    await delay(10);
  }
  const knownHosts = folder.file('known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${from} ${host.publicKey}\n`);
  const processes: Ssh[] = [];
  stack.defer(async () => {
    for (const child of processes) child.kill('SIGKILL');
    for (const child of processes) await child;
  });
  let files = 0;
  const keyFile = (privateKey: string): string => {
    const file = folder.file(`key-${files++}`);
    writeFileSync(file, privateKey, { mode: 0o600 });
    return file;
  };
  const ssh: OpensshBench['ssh'] = (file, options, command = []) => {
    const fixed = `-F none -i ${file} -p ${from} -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${knownHosts} -o GlobalKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes`;
    const child = startSsh([...fixed.split(' '), ...options, `${user}@127.0.0.1`, ...command]);
    processes.push(child);
    return child;
  };
  const add: OpensshBench['add'] = async (name, ...more) => {
    const { stdout, stderr } = await run('node', 'add', name, '--json', ...more);
    if (stdout === '') throw new Error(stderr);
    const { token } = JSON.parse(stdout) as NodeAddedOutput;
    const { seed } = JSON.parse(Buffer.from(token.slice('sendense1.'.length), 'base64url').toString()) as {
      seed: string;
    };
    return { oneTimeKeyFile: keyFile(keyPairFromSeed(Buffer.from(seed, 'base64url'), '').privateKey) };
  };
  return {
    folder,
    user,
    sshdConfig,
    authorizedKeys: folder.file('state', 'authorized_keys'),
    nbdPort: from + 10,
    apiPort: from + 1,
    reversePort: from + 2,
    run,
    add,
    ssh,
    enrol: async (name) => {
      const { oneTimeKeyFile } = await add(name);
      const pair = makeKeyPair(name);
      const child = ssh(oneTimeKeyFile, [], ['sendense-enroll']);
      child.stdin?.end(`${enrolRequest(pair.publicKey)}\n`);
      const { stdout, stderr } = await child;
      if (!stdout.includes('reverse_port')) throw new Error(`${stdout}${stderr}${said}`);
      return keyFile(pair.privateKey);
    },
    check: async () => {
      const { stdout, stderr } = await run('node', 'sshd-config', '--check', '--sshd-file', sshdConfig, '--json');
      // Of folders that are not ours on purpose.
      const errors = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('warning: '));
      if (errors.length > 0) throw new Error(stderr);
      return JSON.parse(stdout) as SshdConfigOutput;
    },
    checkAsRoot: async () => {
      const words = [
        '--config',
        folder.file('sendense.yaml'),
        'node',
        'sshd-config',
        '--check',
        '--sshd-file',
        sshdConfig,
      ];
      const { stdout } = await execa(process.execPath, [startFile('cli/sendense-run'), ...words, '--json'], {
        reject: false,
      });
      return JSON.parse(stdout) as SshdConfigOutput;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export const enrolRequest = (publicKey: string): string =>
  JSON.stringify({
    version: 1,
    public_key: publicKey,
    api_token: 'token-0123456789-abcdef',
    hostname: 'site-b.example.com',
    node_version: '0.1.0',
  });

export const modeOf = (path: string): number => statSync(path).mode & 0o777;
export const textOf = (path: string): string => readFileSync(path, 'utf8');
