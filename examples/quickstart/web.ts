/**
 * `npm run quickstart -- --web`: a hub with a few days of history, and its page. The hub goes on when this ends;
 * `npm run quickstart -- --web --stop` stops it and removes everything.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { execa } from 'execa';
import { makeDemoVm, type DemoVm } from './demo-vm.ts';

const program = join(import.meta.dirname, '../../sendense-run');
const folder = join(tmpdir(), `sendense-quickstart-web-${process.geteuid?.() ?? 0}`);
const file = (...names: readonly string[]): string => join(folder, ...names);
const print = (text = ''): void => void process.stdout.write(`${text}\n`);
const day = 86_400_000;

interface Running {
  readonly pid: number;
  readonly url: string;
}

/** @returns the exit status */
export async function quickstartWeb({ stop }: { readonly stop: boolean }): Promise<number> {
  assertOwn();
  const running = hubThatRuns();
  if (stop) return stopHub(running);
  if (running) {
    print(`The hub of the quickstart runs already: ${styleText('bold', running.url)}`);
    print('Its login was printed when it started. `npm run quickstart -- --web --stop` stops it; then start anew.');
    return 1;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    await makeHistory();
    await startHub();
    return 0;
  } catch (error) {
    await stopHub(hubThatRuns(), () => {});
    throw error;
  }
}

/** The name of the folder is known to everybody. */
function assertOwn(): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found || (found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0)) return;
  throw new Error(`${folder} is not a private folder of yours: remove it, or set TMPDIR to another folder`);
}

/** Undefined: there is none, or it died. */
function hubThatRuns(): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(file('hub.json'), 'utf8')) as Running;
    const command = readFileSync(`/proc/${running.pid}/cmdline`, 'utf8');
    return command.includes(file('sendense.yaml')) ? running : undefined;
  } catch {
    return undefined;
  }
}

async function stopHub(running: Running | undefined, say = print): Promise<number> {
  if (running) {
    process.kill(running.pid, 'SIGTERM');
    for (let waited = 0; hubThatRuns(); waited += 100) {
      if (waited > 30_000) throw new Error(`the hub (process ${running.pid}) does not stop; ${folder} is kept`);
      await delay(100);
    }
  }
  // What keeps files of restore points open outlives the hub, and ends when its settings are gone.
  await execa(program, ['files', 'close', '--all'], { cwd: folder, reject: false }).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
  say(running ? 'The hub is stopped, and its folder is removed.' : 'No hub of the quickstart runs.');
  return 0;
}

const plans: Readonly<Record<string, string>> = {
  'nightly.yaml': `version: 1
kind: backup
name: pgtest1-nightly
rpo: 26h
vm:
  name: pgtest1
  source: { type: image, disks: [{ path: vm/disk0.raw }, { path: vm/disk1.qcow2 }] }
repository: primary
`,
  'check.yaml': `version: 1
kind: verify
name: check
repository: primary
points: latest
`,
};

/** Nights before now; in one of them a disk was not there. */
const nights = [
  { ago: 5, lost: false },
  { ago: 4, lost: false },
  { ago: 3, lost: true },
  { ago: 2, lost: false },
  { ago: 1, lost: false },
  { ago: 0, lost: false },
];

async function makeHistory(): Promise<void> {
  print('A VM, and its backups of the last nights. They are real; only the clock of the programs is put back.');
  await mkdir(file('vm'));
  const vm = await makeDemoVm(file('vm'));
  const [ssh, api] = [await freePort(), await freePort(8082)];
  await writeFile(file('sendense.yaml'), settings(ssh, api));
  for (const [name, text] of Object.entries(plans)) await writeFile(file(name), text);
  for (const { ago, lost } of nights) {
    if (lost) {
      // A failed backup has to be seen, too.
      await writeFile(file('nightly.yaml'), (plans['nightly.yaml'] ?? '').replace('disk1.qcow2', 'disk2.qcow2'));
      await sendense(ago, ['run', '--quiet', 'nightly.yaml'], false);
      await writeFile(file('nightly.yaml'), plans['nightly.yaml'] ?? '');
    } else {
      await work(vm, ago);
      await sendense(ago, ['run', '--quiet', 'nightly.yaml']);
    }
    print(
      `  ${styleText('green', '✓')} ${ago === 0 ? 'today' : ago === 1 ? 'yesterday' : `${ago} days ago`}${lost ? ', which failed' : ''}`,
    );
  }
  await sendense(0, ['run', '--quiet', 'check.yaml']);
}

const work = (vm: DemoVm, ago: number): Promise<void> =>
  vm.change({ root: { '/etc/motd': `${ago} days ago\n` }, data: { [`/orders/${100 - ago}.txt`]: 'ten apples\n' } });

const settings = (ssh: number, api: number): string => `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
hub: { listen: '127.0.0.1:${ssh}', api: '127.0.0.1:${api}' }
`;

/** Runs a command as if it were so many days ago. */
async function sendense(ago: number, words: readonly string[], mustSucceed = true): Promise<void> {
  const clock = {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'put-clock-back.mjs')}`,
    SENDENSE_QUICKSTART_BACK_MS: String(ago * day),
  };
  const env = ago === 0 ? {} : clock;
  const { exitCode, all } = await execa(program, words, { cwd: folder, env, reject: false, all: true });
  if (mustSucceed && exitCode !== 0) throw new Error(`sendense-run ${words.join(' ')} ended with ${exitCode}: ${all}`);
}

async function startHub(): Promise<void> {
  const password = randomBytes(12).toString('base64url');
  await writeFile(file('password'), `${password}\n`, { mode: 0o600 });
  await sendense(0, ['user', 'add', 'quickstart', '--role', 'admin', '--password-file', file('password')]);
  await rm(file('password'));
  const log = openSync(file('hub.log'), 'w', 0o600);
  const words = ['--config', file('sendense.yaml'), 'hub'];
  const hub = spawn(program, words, { cwd: folder, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const { pid } = hub;
  if (pid === undefined) throw new Error('the hub does not start');
  const url = `http://127.0.0.1:${/api: '127\.0\.0\.1:(\d+)'/.exec(await readFile(file('sendense.yaml'), 'utf8'))?.[1]}/`;
  await writeFile(file('hub.json'), JSON.stringify({ pid, url } satisfies Running));
  for (let waited = 0; !readFileSync(file('hub.log'), 'utf8').includes('"listening"'); waited += 100) {
    if (hub.exitCode !== null || waited > 60_000)
      throw new Error(`the hub does not start: ${readFileSync(file('hub.log'), 'utf8').slice(-2000)}`);
    await delay(100);
  }
  hub.unref();
  print(`\nOpen ${styleText('bold', url)}`);
  print('  name      quickstart');
  print(`  password  ${password}      made for this hub alone; it is not shown again`);
  print(`\nThe hub goes on. \`npm run quickstart -- --web --stop\` stops it and removes ${folder}.`);
}

/** @param wanted taken if it is free */
async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(wanted, '127.0.0.1', () => resolve(true));
  });
  if (!listening) return freePort();
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
