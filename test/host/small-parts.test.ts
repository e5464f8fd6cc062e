import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseDuration } from '../../src/time/duration.ts';
import { parseNbdUri, tcpUri, unixUri } from '../../src/host/nbd/nbd-uri.ts';
import { isPortFree } from '../../src/host/net/port-probe.ts';
import { packageOfTool } from '../../src/host/programs/known-tools.ts';
import type { requireTools as RequireTools } from '../../src/host/programs/tools.ts';
import { temporaryFolder } from './temporary-folder.ts';

afterEach(() => void vi.unstubAllEnvs());

test.each([
  ['0s', 0],
  ['90s', 90_000],
  ['250ms', 250],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 's', '-1s', '1.5s', '1s ', '1 s', '1w'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(TypeError);
});

describe('NBD addresses', () => {
  test('any export name and socket path survive', () => {
    // A URL drops the segments . and .. whatever they are written as.
    const exportName = fc.string({ unit: 'grapheme' }).filter((name) => !['.', '..'].includes(name));
    fc.assert(
      fc.property(
        exportName,
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.integer({ min: 1, max: 65_535 }),
        (name, socket, port) => {
          expect(parseNbdUri(tcpUri('127.0.0.1', port, name))).toEqual({
            kind: 'tcp',
            host: '127.0.0.1',
            port,
            exportName: name,
          });
          expect(parseNbdUri(unixUri(socket, name))).toEqual({ kind: 'unix', socket, exportName: name });
        },
      ),
    );
  });

  test.each(['', 'nbd', 'http://127.0.0.1/x', 'nbd+unix:///x', 'nbd://127.0.0.1:10/%zz', 'nbd:///x'])(
    '%j is none',
    (text) => {
      expect(parseNbdUri(text)).toBeNull();
    },
  );
});

test('a port is free until somebody listens, and free again after', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(await isPortFree(port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await isPortFree(port)).toBe(true);
});

describe('requireTools', () => {
  // Answers are remembered for a while: each test asks anew.
  let requireTools: typeof RequireTools;
  beforeEach(async () => {
    vi.resetModules();
    ({ requireTools } = await import('../../src/host/programs/tools.ts'));
  });

  test('answers the version of each', async () => {
    const found = await requireTools(['qemu-img', 'qemu-nbd', 'nbdkit', 'nbdcopy']);
    expect(found.map(({ name }) => name)).toEqual(['qemu-img', 'qemu-nbd', 'nbdkit', 'nbdcopy']);
    for (const { version } of found) expect(version).toMatch(/^[0-9]+\.[0-9]+/);
  });

  test.each([
    ['echo qemu-img version 6.1.9', 'tool.version', '6.1.9; at least 6.2'],
    ['echo no digits here', 'tool.version', 'version 0;'],
    ['echo broken >&2; exit 1', 'tool.failed', 'broken'],
  ])('a program that says %j is refused', async (script, code, message) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('qemu-img'), `#!/bin/sh\n${script}\n`);
    await chmod(folder.file('qemu-img'), 0o755);
    vi.stubEnv('PATH', `${folder.path}:${process.env['PATH']}`);
    await expect(requireTools(['qemu-img'])).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test.each(['6.2', '6.2.0', '10.0.1', '7'])('version %s is enough', async (version) => {
    await using folder = await temporaryFolder();
    await writeFile(
      folder.file('qemu-img'),
      `#!/bin/sh\necho "qemu-img version ${version}${version.includes('.') ? '' : '.0'} (Debian)"\n`,
    );
    await chmod(folder.file('qemu-img'), 0o755);
    vi.stubEnv('PATH', `${folder.path}:${process.env['PATH']}`);
    expect(await requireTools(['qemu-img'])).toHaveLength(1);
  });

  test('a missing program names its Debian package', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    await expect(requireTools(['nbdcopy'])).rejects.toMatchObject({
      code: 'tool.missing',
      message: expect.stringContaining('libnbd-bin') as string,
    });
    expect(packageOfTool('unheard-of')).toBeUndefined();
  });
});
