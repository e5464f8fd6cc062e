import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { connectNbd } from '../../../src/host/nbd/nbd-client.ts';
import { serveExtentList, serveNbdkit } from '../../../src/host/nbd/nbdkit.ts';
import { isRunning } from '../../../src/host/programs/process-identity.ts';
import { serveNbd } from '../../../src/host/nbd/qemu-nbd.ts';
import { temporaryFolder } from '../temporary-folder.ts';

test('an export accepts connections the moment it is given out, and its pid file goes with it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sendense-nbdkit-'));
  try {
    const file = join(directory, 'a.raw');
    await writeFile(file, Buffer.alloc(65536, 7));
    await using source = await serveNbd({
      file,
      format: 'raw',
      readOnly: true,
      listen: { socket: join(directory, 'a.sock') },
      exportName: '',
      pidFile: join(directory, 'a.pid'),
    });
    // nbdkit binds its socket a moment before it listens: a few at once, so that one would be met there.
    await Promise.all(
      Array.from({ length: 12 }, async (_, number) => {
        await using narrowed = await serveExtentList({
          source: source.uri,
          extents: [{ offset: 0, length: 65536 }],
          directory,
          name: `areas-${number}`,
        });
        await using client = await connectNbd(narrowed.uri, {});
        expect(client.size).toBe(65536);
      }),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('secrets reach nbdkit by descriptors, and are neither in its arguments nor in its environment', async () => {
  await using folder = await temporaryFolder();
  // Prints nothing itself; the shell plugin shows what it was given.
  const script = `case "$1" in load) cat <&3 >${folder.file('one')}; cat <&4 >${folder.file('two')};; get_size) echo 512;; pread) head -c 512 /dev/zero;; *) exit 2;; esac`;
  await writeFile(folder.file('plugin.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await using server = await serveNbdkit({
    args: ['sh', folder.file('plugin.sh')],
    socket: folder.file('s.sock'),
    pipes: ['first secret', 'second secret'],
    env: { MORE: 'here', HOME: undefined },
  });
  expect([readFileSync(folder.file('one'), 'utf8'), readFileSync(folder.file('two'), 'utf8')]).toEqual([
    'first secret',
    'second secret',
  ]);
  const shown = ['cmdline', 'environ']
    .map((name) => readFileSync(`/proc/${server.process.pid}/${name}`, 'utf8'))
    .join();
  expect(shown).not.toContain('secret');
  expect(shown).toContain('MORE=here');
  expect(shown).not.toContain('\0HOME=');
});

test('what nbdkit says while it runs comes line by line', async () => {
  await using folder = await temporaryFolder();
  const script = 'case "$1" in get_size) echo 512;; pread) echo "EIO what is wrong" >&2; exit 1;; *) exit 2;; esac';
  await writeFile(folder.file('plugin.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const spoke = Promise.withResolvers<string>();
  await using server = await serveNbdkit({
    args: ['sh', folder.file('plugin.sh')],
    socket: folder.file('s.sock'),
    onStderrLine: spoke.resolve,
  });
  await using client = await connectNbd(server.uri, {});
  await expect(client.read(0, Buffer.alloc(512))).rejects.toThrow('EIO');
  expect(await spoke.promise).toMatch(/^nbdkit: sh\S*: error: .*what is wrong$/);
});

test('an nbdkit that does not start leaves nothing, and the caller finds the words for it', async () => {
  await using folder = await temporaryFolder();
  const started = serveNbdkit({
    args: ['memory', 'size=oops'],
    socket: folder.file('s.sock'),
    describeFailure: (said) => new SendenseError('transport.failed', `ours: ${said}`),
  });
  await expect(started).rejects.toMatchObject({ code: 'transport.failed', message: expect.stringContaining('oops') });
  expect(await readdir(folder.path)).toEqual([]);
});

test('a plugin that never reads its secret does no harm', async () => {
  await using folder = await temporaryFolder();
  const server = await serveNbdkit({
    args: ['memory', 'size=512'],
    socket: folder.file('s.sock'),
    pipes: ['x'.repeat(1024 * 1024)],
  });
  await server.stop();
  expect(isRunning(server.process)).toBe(false);
});

test('what is written is counted as it is asked for, without a program between', async () => {
  await using folder = await temporaryFolder();
  let written = 0;
  await using server = await serveNbdkit({
    args: ['--filter=blocksize', 'memory', '4M'],
    socket: folder.file('s.sock'),
    writable: true,
    onWrite: (bytes) => (written += bytes),
  });
  const words = ['write -P 1 0 1M', 'write -z 2M 64k', 'read 0 512'].flatMap((word) => ['-c', word]);
  await execa('qemu-io', ['-f', 'raw', ...words, server.uri]);
  await expect.poll(() => written).toBe(1_048_576 + 65_536);
});
