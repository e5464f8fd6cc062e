import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { NotifyHistoryOutput, NotifyMessage, StatusOutput } from '../../src/schemas/types.ts';
import { makeCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-ports.ts';
import { httpReceiver } from '../support/http-receiver.ts';
import { mailServer } from '../support/mail-server.ts';
import { backupPlan, makeRaw, program, workspace, type Workspace } from './workspace.ts';

vi.setConfig({ testTimeout: 300_000 });

const canary = 'CANARY-e2e-81ab';
const login = { user: 'backup', password: `${canary}-mail` };

const settings = (channels: string, entries = ''): string => `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
notify:
  channels:
${channels}
  default:
${entries}
`;

const mailChannel = (port: number, certFile: string): string => `    operators:
      type: email
      host: 127.0.0.1
      port: ${port}
      from: sendense@example.com
      to: [operators@example.com]
      user: backup
      password: { secret: { file: ./smtp.password } }
      ca: ${certFile}`;

async function withDisk(space: Workspace, more: string): Promise<void> {
  await makeRaw(space.path('disk0.raw'), 1 << 20, [[0, 65_536]]);
  await space.write('nightly.yaml', backupPlan(['disk0.raw'], more));
}

/** Whether anything that is kept holds a text. */
const isKept = async (space: Workspace, text: string): Promise<boolean> => {
  const files = await readdir(space.path('state'), { recursive: true, withFileTypes: true });
  const read = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name)));
  return (await Promise.all(read)).some((bytes) => bytes.includes(text));
};

test('a run that fails sends a mail and a ping, the next one says that it works again', async () => {
  await using space = await workspace();
  const certificate = await makeCertificate(space.folder);
  await using smtp = await mailServer({ certificate, login });
  await using pings = await httpReceiver();
  await space.write('smtp.password', `${login.password}\n`);
  await space.write('ping.url', `${pings.url}/${canary}-ping\n`);
  await writeFile(
    space.path('sendense.yaml'),
    settings(
      `${mailChannel(smtp.port, certificate.certFile)}
    check:
      type: ping
      url: { secret: { file: ./ping.url } }`,
      '    - channel: operators',
    ),
  );
  await withDisk(space, 'rpo: 26h\nnotify:\n  - channel: check\n');
  await rename(space.path('disk0.raw'), space.path('gone.raw'));

  const failed = await space.run('nightly.yaml');
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toBe('');
  expect(smtp.mails.map(({ headers }) => headers['subject'])).toEqual([
    expect.stringContaining('[Sendense] FAILED: pgtest1-nightly failed:') as unknown,
  ]);
  expect(smtp.mails[0]?.source).toContain(failed.finished.run_id);

  await rename(space.path('gone.raw'), space.path('disk0.raw'));
  const succeeded = await space.run('nightly.yaml');
  expect(succeeded.exitCode).toBe(0);
  expect(smtp.mails.map(({ headers }) => headers['x-sendense-event'])).toEqual(['failure', 'recovery']);
  const paths = pings.requests.map(({ path }) => path.replace(/\?rid=.*/, ''));
  const base = `/${canary}-ping`;
  expect(paths).toEqual([`${base}/start`, `${base}/1`, `${base}/start`, base]);

  const status = await space.call(['status', '--json', '--plans', '.']);
  expect(status.exitCode).toBe(0);
  expect((JSON.parse(status.stdout) as StatusOutput).plans).toMatchObject([
    { plan: 'pgtest1-nightly', state: 'ok', late: false, rpo_ms: 93_600_000, failures: 0 },
  ]);
  const nagios = await space.call(['status', '--format', 'nagios']);
  expect(nagios.exitCode).toBe(0);
  expect(nagios.stdout).toMatch(/^SENDENSE OK - 1 plan, none late or failing \| plans=1 [^\n]*$/);

  const shown = await space.call(['notify', 'history', '--json']);
  const { notices } = JSON.parse(shown.stdout) as NotifyHistoryOutput;
  expect(notices.map(({ event }) => event)).toEqual(['recovery', 'success', 'started', 'failure', 'started']);
  const list = await space.call(['notify', 'list']);
  expect(list.stdout).toContain('a secret address');
  const everything = [failed, succeeded, status, shown, list].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  expect(everything).not.toContain(canary);
  expect(await isKept(space, canary)).toBe(false);
  expect(await isKept(space, 'operators')).toBe(true);
});

test('where the mail server is down the run ends as it went, says so, and flush sends the mail later', async () => {
  await using space = await workspace();
  const certificate = await makeCertificate(space.folder);
  const port = await freePort();
  await space.write('smtp.password', `${login.password}\n`);
  await writeFile(
    space.path('sendense.yaml'),
    settings(mailChannel(port, certificate.certFile), '    - { channel: operators, on: [success] }'),
  );
  await withDisk(space, '');
  const run = await space.call(['run', 'nightly.yaml']);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain(`warning: channel operators: mail server 127.0.0.1:${port}:`);
  const nagios = await space.call(['status', '--format', 'nagios']);
  expect(nagios.exitCode).toBe(1);
  expect(nagios.stdout).toContain('SENDENSE WARNING - channel operators: mail server');
  const early = await space.call(['notify', 'flush', '--json']);
  expect([early.exitCode, JSON.parse(early.stdout)]).toMatchObject([1, { sent: 0, waiting: 1 }]);
  await using smtp = await mailServer({ certificate, login, port });
  const late = await space.call(['notify', 'flush', '--json']);
  expect([late.exitCode, JSON.parse(late.stdout)]).toMatchObject([0, { sent: 1, failed: 0, waiting: 0 }]);
  expect(smtp.mails.map(({ headers }) => headers['x-sendense-event'])).toEqual(['success']);
});

test('a run that is killed is heard of as soon as somebody cleans up after it', async () => {
  await using space = await workspace();
  const command = "    own: { type: command, run: [/bin/sh, -c, 'cat >> got.json'], fold: 0s }";
  await writeFile(space.path('sendense.yaml'), settings(command, '    - channel: own'));
  const wait = 'touch began; while kill -0 $PPID; do sleep 0.1; done';
  await withDisk(space, `before:\n  - run: [/bin/sh, -c, '${wait}']\n`);
  const run = execa(process.execPath, [program, 'run', 'nightly.yaml'], { cwd: space.folder, reject: false });
  await vi.waitFor(() => expect(existsSync(space.path('began'))).toBe(true), { timeout: 200_000 });
  run.kill('SIGKILL');
  await run;
  expect((await space.call(['recover'])).exitCode).toBe(0);
  const message = JSON.parse(await readFile(space.path('got.json'), 'utf8')) as NotifyMessage;
  expect(message).toMatchObject({
    event: 'failure',
    notices: [{ plan: 'pgtest1-nightly', message: expect.stringContaining('run.crashed') as unknown }],
  });
});

test('notify test tells what works and what does not', async () => {
  await using space = await workspace();
  await using server = await httpReceiver();
  const port = await freePort();
  await writeFile(
    space.path('sendense.yaml'),
    settings(
      `    good: { type: webhook, url: '${server.url}/x' }
    bad: { type: webhook, url: 'http://127.0.0.1:${port}/x' }`,
      '    - channel: good',
    ),
  );
  const all = await space.call(['notify', 'test']);
  expect(all.exitCode).toBe(1);
  expect(all.stdout).toMatch(/good\s+delivered[\s\S]*bad\s+.*ECONNREFUSED/);
  expect((await space.call(['notify', 'test', 'good'])).exitCode).toBe(0);
  expect(server.requests).toHaveLength(2);
  const unknown = await space.call(['notify', 'test', 'goood']);
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain('did you mean good?');
});

test('status ends with 1 where no success is within the rpo; nagios says which plan, and UNKNOWN where it cannot tell', async () => {
  await using space = await workspace();
  await withDisk(space, 'rpo: 1h\n');
  await space.run('nightly.yaml');
  const changed = `UPDATE plan_health SET last_success_started = last_success_started - 7200000`;
  await execa(process.execPath, [
    '-e',
    `require(${JSON.stringify(`${import.meta.dirname}/../../node_modules/better-sqlite3`)})(process.argv[1]).exec(process.argv[2])`,
    space.path('state/sendense.db'),
    changed,
  ]);
  const table = await space.call(['status']);
  expect(table.exitCode).toBe(1);
  expect(table.stdout).toMatch(/pgtest1-nightly\s+pgtest1\s+late/);
  const nagios = await space.call(['status', '-f', 'nagios']);
  expect([nagios.exitCode, nagios.stdout]).toEqual([
    2,
    expect.stringContaining('SENDENSE CRITICAL - pgtest1-nightly: no success for 2h (rpo 1h) |') as unknown,
  ]);
  await writeFile(space.path('sendense.yaml'), 'repositories: 3\n');
  const broken = await space.call(['status', '-f', 'nagios']);
  expect([broken.exitCode, broken.stdout]).toEqual([3, expect.stringContaining('SENDENSE UNKNOWN - ') as unknown]);
  expect(await readFile(space.path('sendense.yaml'), 'utf8')).toBe('repositories: 3\n');
});
