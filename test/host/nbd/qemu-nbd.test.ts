import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { exists } from '../../../src/host/files/files.ts';
import { identityOf, isRunning } from '../../../src/host/programs/process-identity.ts';
import { checkImage, createQcow2 } from '../../../src/host/images/qemu-img.ts';
import { findByPidFile, qemuNbdArgs, serveNbd, type ServeOptions } from '../../../src/host/nbd/qemu-nbd.ts';
import { makeRaw, MiB, sameContent } from '../disk-images.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';

const on = (folder: TemporaryFolder, file: string, more: Partial<ServeOptions> = {}): ServeOptions => ({
  file: folder.file(file),
  format: 'qcow2',
  readOnly: false,
  listen: { socket: folder.file('s') },
  exportName: 'disk-0',
  pidFile: folder.file('n.pid'),
  ...more,
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const sizeOf = async (uri: string): Promise<number> => Number((await execa('nbdinfo', ['--size', uri])).stdout);

async function withQcow2(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await createQcow2(folder.file('a.qcow2'), 4 * MiB, null);
  return folder;
}

describe('serveNbd', () => {
  test('answers at once, on a Unix socket or on the loopback alone', async () => {
    await using folder = await withQcow2();
    {
      await using server = await serveNbd(on(folder, 'a.qcow2'));
      expect(await sizeOf(server.uri)).toBe(4 * MiB);
    }
    const port = await freePort();
    await using server = await serveNbd(on(folder, 'a.qcow2', { listen: { port }, exportName: 'disk 1/ä' }));
    expect(server.uri).toBe(`nbd://127.0.0.1:${port}/disk%201%2F%C3%A4`);
    expect(await sizeOf(server.uri)).toBe(4 * MiB);
    await expect(execa('nbdinfo', ['--size', `nbd://127.0.0.1:${port}/other`])).rejects.toThrow();
    const { stdout } = await execa('ss', ['-Hltn', `sport = :${port}`], { reject: false });
    if (stdout) expect(stdout).toContain('127.0.0.1');
  });

  test('stopping flushes what was written, and leaves neither process nor socket nor pid file', async () => {
    await using folder = await withQcow2();
    await makeRaw(folder.file('a.raw'), 4 * MiB, [0, MiB], [3 * MiB, 1000]);
    const server = await serveNbd(on(folder, 'a.qcow2'));
    await execa('nbdcopy', ['--destination-is-zero', folder.file('a.raw'), server.uri]);
    expect(await server.stop()).toBe('terminated');
    expect(isRunning(server.process)).toBe(false);
    expect((await readdir(folder.path)).toSorted()).toEqual(['a.qcow2', 'a.raw']);
    expect(await sameContent(folder.file('a.raw'), folder.file('a.qcow2'))).toBe(true);
    expect(await server.stop()).toBe('gone');
  });

  test('once it is stopped, its port and its image are free at once', async () => {
    await using folder = await withQcow2();
    const port = await freePort();
    for (let round = 0; round < 30; round++) {
      const server = await serveNbd(on(folder, 'a.qcow2', { listen: { port } }));
      await server.stop();
    }
    expect((await checkImage(folder.file('a.qcow2'))).ok).toBe(true);
  });

  test('read-only means read-only', async () => {
    await using folder = await withQcow2();
    await makeRaw(folder.file('a.raw'), 4 * MiB, [0, MiB]);
    await using server = await serveNbd(on(folder, 'a.qcow2', { readOnly: true }));
    await expect(execa('nbdcopy', [folder.file('a.raw'), server.uri])).rejects.toThrow(/readonly|read-only/i);
  });

  test.each([
    'file system may not support O_DIRECT',
    'Unable to use native AIO: failed to create linux AIO context: Resource temporarily unavailable',
  ])('it falls back to the page cache after: %s', async (refusal) => {
    await using folder = await temporaryFolder();
    // Neither such a file system nor a machine whose contexts are used up is at hand: stand in for qemu-nbd's first answer.
    const real = (await execa('sh', ['-c', 'command -v qemu-nbd'])).stdout;
    const script = `#!/bin/sh\ncase "$*" in *--cache=none*) echo "qemu-nbd: Failed to blk_new_open: ${refusal}" >&2; exit 1;; esac\nexec ${real} "$@"\n`;
    await writeFile(folder.file('qemu-nbd'), script, { mode: 0o755 });
    await createQcow2(folder.file('a.qcow2'), MiB, null);
    const path = process.env['PATH'];
    try {
      process.env['PATH'] = `${folder.path}:${path}`;
      await using server = await serveNbd(on(folder, 'a.qcow2'));
      expect(await sizeOf(server.uri)).toBe(MiB);
    } finally {
      process.env['PATH'] = path;
    }
    expect(qemuNbdArgs(on(folder, 'a.qcow2'), 'threads')).toContain('--cache=writeback');
  });

  test('on tmpfs it works, whether the kernel allows O_DIRECT there or not', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises');
    if (!(await exists('/dev/shm'))) return;
    const shm = await mkdtemp('/dev/shm/sendense-test-');
    try {
      await createQcow2(`${shm}/a.qcow2`, MiB, null);
      await using folder = await temporaryFolder();
      await using server = await serveNbd({ ...on(folder, ''), file: `${shm}/a.qcow2` });
      expect(await sizeOf(server.uri)).toBe(MiB);
    } finally {
      await rm(shm, { recursive: true, force: true });
    }
  });

  test('a port that is taken is an error that says so, and leaves no pid file that is trusted', async () => {
    await using folder = await withQcow2();
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const started = serveNbd(on(folder, 'a.qcow2', { listen: { port } }));
    await expect(started).rejects.toMatchObject({
      code: 'ports.taken',
      message: expect.stringContaining(`port ${port} was taken by another program`) as string,
    });
    expect(await findByPidFile(folder.file('n.pid'))).toBeNull();
    holder.close();
    await once(holder, 'close');
  });

  test('an image that another program writes to is busy, and can be read all the same when told to', async () => {
    await using folder = await withQcow2();
    await using writer = await serveNbd(on(folder, 'a.qcow2'));
    const second = { listen: { socket: folder.file('t') }, pidFile: folder.file('m.pid') };
    await expect(serveNbd(on(folder, 'a.qcow2', second))).rejects.toMatchObject({
      code: 'source.busy',
      message: expect.stringContaining('a.qcow2') as string,
    });
    await expect(serveNbd(on(folder, 'a.qcow2', { ...second, readOnly: true }))).rejects.toMatchObject({
      code: 'source.busy',
    });
    await using reader = await serveNbd(on(folder, 'a.qcow2', { ...second, readOnly: true, forceShare: true }));
    expect(await sizeOf(reader.uri)).toBe(4 * MiB);
    expect(isRunning(writer.process)).toBe(true);
  });

  test.each([
    ['a missing file', 'none', {}, /No such file/],
    ['a file of another format', 'text', {}, /Image is not in qcow2 format/],
  ])('%s is an error with what qemu-nbd said', async (_name, file, more, message) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('text'), 'text '.repeat(1000));
    await expect(serveNbd(on(folder, file, more))).rejects.toMatchObject({
      code: 'nbd.failed',
      message: expect.stringMatching(message) as string,
    });
  });

  test.each(['a b', 'a,b=c', 'x:y', '-f', 'it\'s "q"', 'nbd:x', 'json:{}', 'äöü', '$(id)', 'new\nline'])(
    'the file name %j works, shared or not',
    async (name) => {
      await using folder = await temporaryFolder();
      await createQcow2(folder.file(name), MiB, null);
      for (const forceShare of [false, true]) {
        await using server = await serveNbd(on(folder, name, { readOnly: true, forceShare }));
        expect(await sizeOf(server.uri)).toBe(MiB);
      }
    },
  );

  test('an abort before the start starts nothing', async () => {
    await using folder = await withQcow2();
    const reason = new Error('enough');
    await expect(serveNbd(on(folder, 'a.qcow2', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(await readdir(folder.path)).toEqual(['a.qcow2']);
  });
});

describe('findByPidFile', () => {
  test('finds the server that wrote it, also when nothing else is known', async () => {
    await using folder = await withQcow2();
    await using server = await serveNbd(on(folder, 'a.qcow2'));
    expect(await findByPidFile(folder.file('n.pid'))).toEqual(server.process);
  });

  test('does not trust the pid file of a foreign process, of a dead one, or with nonsense', async () => {
    await using folder = await temporaryFolder();
    const foreign = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(foreign, 'spawn');
    try {
      for (const text of [`${foreign.pid}\n`, '4194309', '1', '0', '-1', '', 'x', '1e3', `${process.pid}`]) {
        await writeFile(folder.file('n.pid'), text);
        expect(await findByPidFile(folder.file('n.pid'))).toBeNull();
      }
      expect(await findByPidFile(folder.file('none'))).toBeNull();
      expect(identityOf(foreign.pid ?? -1)).not.toBeNull();
    } finally {
      foreign.kill('SIGKILL');
      await once(foreign, 'exit');
    }
  });

  test('a server of another pid file is not taken for this one', async () => {
    await using folder = await withQcow2();
    await using server = await serveNbd(on(folder, 'a.qcow2'));
    await writeFile(folder.file('other.pid'), String(server.process.pid));
    expect(await findByPidFile(folder.file('other.pid'))).toBeNull();
  });
});
