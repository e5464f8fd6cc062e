import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectNbd } from '../../src/host/nbd-client.ts';
import { serveExtentList } from '../../src/host/nbdkit.ts';
import { serveNbd } from '../../src/host/qemu-nbd.ts';

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
