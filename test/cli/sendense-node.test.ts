import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { nodeMain } from '../../src/cli/node/node-program.ts';
import { dataConnections } from '../../src/host/net/loopback-addresses.ts';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { isPortFree } from '../../src/host/net/port-probe.ts';
import { linkFolder, requireEnrolment } from '../../src/node/link/enrolment-files.ts';
import { readLinkStatus } from '../../src/node/link/link-files.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { NodeStatusOutput } from '../../src/schemas/types.ts';
import { nodeSocket } from '../../src/hub/nodes/node-sockets.ts';
import { requireNode } from '../../src/state/nodes/nodes.ts';
import { apiToken, nodeBench, type NodeBench } from '../node/link/node-bench.ts';
import { until } from '../node/support.ts';
import { freePort } from '../support/free-ports.ts';
import { processesNaming } from '../support/processes.ts';
import { fakeStream } from '../view/fake-terminal.ts';

const program = join(import.meta.dirname, '../../src/cli/sendense-node.ts');

interface Result {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `sendense-node` inside this process. */
async function run(argv: readonly string[], stdin = '', typed?: string): Promise<Result> {
  const stdout = fakeStream();
  const stderr = fakeStream();
  const exitCode = await nodeMain(argv, {
    stdout,
    stderr,
    env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
    readInput: () => Promise.resolve(Buffer.from(stdin)),
    askHidden: typed === undefined ? undefined : () => Promise.resolve(typed),
    stop: new AbortController().signal,
  });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

const hubOf = (at: NodeBench): string[] => ['--hub', `127.0.0.1:${at.hub.port}`, '--state-dir', at.stateDir];

/** A program that runs until it is told to end. */
function start(...argv: string[]): { child: ChildProcess; ended: Promise<unknown[]>; said: Promise<string> } {
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { child, ended: once(child, 'exit'), said: text(child.stderr) };
}

const up = (at: NodeBench, pid?: number): Promise<unknown> =>
  until(async () => {
    const status = await readLinkStatus(at.stateDir);
    return status?.state === 'up' && (pid === undefined || status.process.pid === pid);
  }, 'the link is up');

test('enroll takes the token from a file, from standard input with what else stands there, or asks for it', async () => {
  await using at = await nodeBench();
  const file = at.hub.folder.file('token.txt');
  await writeFile(file, `${at.hub.token('a').token}\n`);
  expect(await run(['enroll', ...hubOf(at), '--token-file', file])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('enrolled as a') as string,
  });
  const printed = `token of b, good for 1 h:\n  ${at.hub.token('b').token}\n`;
  const again = await run(['enroll', ...hubOf(at), '--token', '-', '--force', '--json'], printed);
  expect(validatorOf('link/enrolment.json')(JSON.parse(again.stdout))).toBe(true);
  expect(await run(['enroll', ...hubOf(at), '--force'], '', at.hub.token('c').token)).toMatchObject({ exitCode: 0 });
  expect((await requireEnrolment(at.stateDir)).name).toBe('c');
  expect(await run(['enroll', ...hubOf(at), '--token', at.hub.token('d').token])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('enrolled already') as string,
  });
});

test('what is wrong on the command line or in node.yaml is said, with line and column', async () => {
  await using at = await nodeBench();
  const wrong = async (...argv: string[]): Promise<string> => {
    const { exitCode, stderr } = await run(argv);
    expect(exitCode).toBe(2);
    return stderr;
  };
  expect(await wrong('enroll', '--state-dir', at.stateDir)).toContain('--hub HOST');
  expect(await wrong('enroll', ...hubOf(at))).toContain('--token-file');
  expect(await wrong('enroll', ...hubOf(at), '--token', 'x', '--token-file', 'y')).toContain('once');
  expect(await wrong('enroll', '--hub', 'a b', '--state-dir', at.stateDir)).toContain('host');
  expect(await wrong('serve', '--listen', 'nowhere')).toContain('HOST:PORT');
  expect(await wrong('tunnel', '--listen', '127.0.0.1:0', '--state-dir', at.stateDir)).toContain('port');
  expect(await wrong('serve', '--log-level', 'loud')).toContain('Allowed choices');
  const file = at.hub.folder.file('node.yaml');
  await writeFile(file, 'stateDir: /x\nlogLevel: loud\n');
  const settings = await run(['serve', '--config', file]);
  expect(settings.exitCode).toBe(10);
  expect(settings.stderr).toContain('node.yaml:2:11');
  expect(settings.stderr).toContain('logLevel: loud');
});

test('status and doctor as JSON, with exit statuses for scripts', async () => {
  await using at = await nodeBench();
  await using api = await at.api();
  const where = ['--state-dir', at.stateDir, '--listen', api.url.slice('http://'.length), '--json'];
  const fresh = await run(['status', ...where]);
  const status = JSON.parse(fresh.stdout) as NodeStatusOutput;
  expect(validatorOf('output/node-status.json')(status)).toBe(true);
  expect(status).toMatchObject({ enrolment: null, link: null, api: { error: null } });
  expect(fresh.exitCode).toBe(0);
  const doctor = await run(['doctor', ...where]);
  expect(validatorOf('output/doctor.json')(JSON.parse(doctor.stdout))).toBe(true);
  expect(doctor.exitCode).toBe(3);
  await at.enroll();
  expect((await run(['status', ...where])).exitCode).toBe(3);
  const port = await freePort();
  const unheard = ['--state-dir', at.stateDir, '--listen', `127.0.0.1:${port}`];
  expect(await run(['doctor', ...unheard])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('1 failed') as string,
  });
  expect(await run(['status', ...unheard])).toMatchObject({
    exitCode: 3,
    stdout: expect.stringMatching(/api +does not answer[^]*hub +site-b[^]*link +never started/) as string,
  });
});

test('serve --tunnel: API and link in one process, which ends cleanly and logs no secret', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll();
  const node = start('serve', '--tunnel', '--listen', '127.0.0.1:0', '--state-dir', at.stateDir);
  await up(at);
  const api = nodeClient({
    url: `unix:${nodeSocket(at.hub.state.path, requireNode(at.hub.state, 'site-b').reversePort)}`,
    token: apiToken,
  });
  expect((await api.health()).status).toBe('ok');
  await expect(api.status('job-unknown')).rejects.toMatchObject({ code: 'job.unknown' });
  // What moves the data is apart from what answers: an ssh for the link, and those for the disks.
  await expect
    .poll(() => processesNaming(linkFolder(at.stateDir)), { timeout: 200_000 })
    .toHaveLength(1 + dataConnections);
  // What binds each of them to the node has the number of the node in its words, until it becomes ssh.
  await expect
    .poll(() => processesNaming(linkFolder(at.stateDir)).some((argv) => argv.includes(String(node.child.pid))), {
      timeout: 200_000,
    })
    .toBe(false);
  node.child.kill('SIGTERM');
  expect(await node.ended).toEqual([0, null]);
  expect(processesNaming(linkFolder(at.stateDir))).toEqual([]);
  expect(await readLinkStatus(at.stateDir)).toMatchObject({ state: 'stopped' });
  expect(await isPortFree(enrolment.nbd_ports.from)).toBe(true);
  const said = await node.said;
  const lines = said
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ part }) => part)).toContain('api');
  expect(lines).toContainEqual(expect.objectContaining({ part: 'link', msg: 'linked with the hub as site-b' }));
  expect(lines).toContainEqual(
    expect.objectContaining({ job_id: 'job-unknown', request_id: expect.any(String) as string }),
  );
  expect(said).not.toContain(apiToken);
});

test('tunnel beside serve; killed without a word it leaves nothing, and the next one comes up', async () => {
  await using at = await nodeBench();
  await at.enroll();
  await using api = await at.api();
  const argv = ['tunnel', '--listen', api.url.slice('http://'.length), '--state-dir', at.stateDir];
  const first = start(...argv);
  await up(at, first.child.pid);
  const second = start(...argv);
  expect(await second.ended).toEqual([11, null]);
  expect(await second.said).toContain(`process ${first.child.pid}`);
  first.child.kill('SIGKILL');
  await first.ended;
  await until(() => processesNaming(linkFolder(at.stateDir)).length === 0, 'the ssh of the killed process ends');
  expect(await readLinkStatus(at.stateDir)).toMatchObject({ state: 'stopped' });
  const third = start(...argv);
  await up(at, third.child.pid);
  third.child.kill('SIGINT');
  expect(await third.ended).toEqual([0, null]);
}, 300_000);

test('a token file that is made is for this user only', async () => {
  await using at = await nodeBench();
  const file = at.hub.folder.file('other', 'api.token');
  const result = await run(['enroll', ...hubOf(at), '--token', at.hub.token('a').token, '--api-token-file', file]);
  expect(result.exitCode).toBe(0);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(result.stdout + result.stderr).not.toContain((await readFile(file, 'utf8')).trim());
});
