import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { programs } from '../programs.ts';
import { workshop } from './support.ts';

const program = programs.node;

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

test('serve makes a token, says where but not what it is, and ends well on SIGTERM', async () => {
  await using at = await workshop();
  const child = spawn(process.execPath, [program, 'serve', '--socket', at.path('s'), '--state-dir', at.path('state')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  const ready = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
    if (said.includes('listening on')) ready.resolve();
  });
  await ready.promise;
  const file = at.path('state/token');
  const token = (await readFile(file, 'utf8')).trim();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(said).toContain(file);
  expect(said).not.toContain(token);
  expect(await nodeClient({ url: `unix:${at.path('s')}`, token }).health()).toMatchObject({ status: 'ok' });
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('a port that is taken is named', async () => {
  await using at = await workshop();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    const { code, stderr } = await run('serve', '--listen', `127.0.0.1:${port}`, '--state-dir', at.path('state'));
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${port}`);
  } finally {
    server.close();
  }
});

test('help, version and wrong usage', async () => {
  const [help, serveHelp, version, nothing, unknown, address] = await Promise.all([
    run('--help'),
    run('serve', '--help'),
    run('--version'),
    run(),
    run('serve', '--nonsense'),
    run('serve', '--state-dir', '/x', '--listen', 'nowhere'),
  ]);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('serve') });
  expect(serveHelp).toMatchObject({ code: 0, stdout: expect.stringContaining('--token-file') });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  for (const wrong of [nothing, unknown, address]) expect(wrong.code).toBe(2);
  expect(address.stderr).toContain('HOST:PORT');
});
