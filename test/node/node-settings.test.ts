import { homedir } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { loadNodeSettings } from '../../src/node/node-settings.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const thrownBy = (work: () => unknown): SendenseError => {
  try {
    work();
  } catch (error) {
    if (error instanceof SendenseError) return error;
  }
  return expect.unreachable('nothing of ours was thrown');
};

test('without a file everything has its default', () => {
  expect(loadNodeSettings({}, '/nonexistent')).toEqual({
    file: undefined,
    stateDir: '/var/lib/sendense-node',
    listen: { host: '127.0.0.1', port: 8081 },
    tokenFile: '/var/lib/sendense-node/token',
    logLevel: 'info',
    hub: undefined,
    program: 'auto',
    nbdHosts: [],
    limits: {},
  });
});

test('paths count from the file, and options go before it', async () => {
  await using folder = await temporaryFolder();
  const file = folder.file('node.yaml');
  await writeFile(
    file,
    `x-note: ours
stateDir: ./state
listen: unix:./api.sock
tokenFile: secret/token
logLevel: warn
hub: hub.example.com
tunnel: { program: ssh2 }
limits: { connections: 64 }
nbd: { hosts: [192.0.2.10, hub.example.com] }
`,
  );
  const expected = {
    file,
    stateDir: folder.file('state'),
    listen: { socket: folder.file('api.sock') },
    tokenFile: folder.file('secret/token'),
    logLevel: 'warn',
    hub: { host: 'hub.example.com', port: 443 },
    program: 'ssh2',
    nbdHosts: ['192.0.2.10', 'hub.example.com'],
    limits: { connections: 64 },
  };
  expect(loadNodeSettings({}, file)).toEqual(expected);
  const listen = { host: '::1', port: 9000 };
  expect(loadNodeSettings({ config: file, stateDir: '/x', listen, tokenFile: '/t', logLevel: 'debug' })).toEqual({
    ...expected,
    stateDir: '/x',
    listen,
    tokenFile: '/t',
    logLevel: 'debug',
  });
});

test.each([
  ['stateDirr: /x\n', 1, 1, 'stateDirr'],
  ['stateDir: /x\nlogLevel: loud\n', 2, 11, 'loud'],
  ['listen: 127.0.0.1:99999\n', 1, 9, '99999'],
  ['\nhub: "hub.example.com:0"\n', 2, 6, 'port 0'],
  ['limits:\n  connections: 2\n', 2, 16, 'connections'],
  ['stateDir: [\n', 2, 1, ''],
  ['', 1, 1, 'nothing'],
])('%j is refused with its line and column', async (text, line, column, what) => {
  await using folder = await temporaryFolder();
  const file = folder.file('node.yaml');
  await writeFile(file, text);
  const error = thrownBy(() => loadNodeSettings({ config: file }));
  expect(error).toMatchObject({ code: 'settings.invalid', position: { file, line, column } });
  expect(error.message).toContain(what);
});

test('~ is refused in each path, with the path that was meant', async () => {
  await using folder = await temporaryFolder();
  const file = folder.file('node.yaml');
  for (const text of ['stateDir: ~/state', 'tokenFile: ~/token', 'listen: "unix:~/api.sock"']) {
    await writeFile(file, `${text}\n`);
    const [, meant = ''] = /~(\/[^"]*)/.exec(text) ?? [];
    expect(() => loadNodeSettings({ config: file })).toThrow(
      expect.objectContaining({
        code: 'settings.invalid',
        message: expect.stringContaining('begins with ~, which only a shell expands') as string,
        remedy: expect.stringContaining(`${homedir()}${meant}`) as string,
      }),
    );
  }
});

test('a file that is named must be there', () => {
  expect(thrownBy(() => loadNodeSettings({ config: '/nonexistent/node.yaml' }))).toMatchObject({
    code: 'settings.invalid',
    message: expect.stringContaining('does not exist') as string,
  });
});
