import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { nbdCopy, nbdCopyArgs, type CopyOptions } from '../../src/host/nbd/nbdcopy.ts';
import { serveExtentList } from '../../src/host/nbd/nbdkit.ts';
import { isRunning } from '../../src/host/programs/process-identity.ts';
import { createQcow2 } from '../../src/host/images/qemu-img.ts';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { guestWrites, makeRaw, MiB, sameContent } from './disk-images.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

const serve = (folder: TemporaryFolder, file: string, format: string, readOnly: boolean): Promise<NbdServer> =>
  serveNbd({
    file: folder.file(file),
    format,
    readOnly,
    listen: { socket: folder.file(`${file}.s`) },
    exportName: 'x y',
    pidFile: folder.file(`${file}.pid`),
  });

const tuned = { connections: 4, requests: 64, requestSize: 65_536 };

const map = async (uri: string): Promise<{ offset: number; length: number; type: number }[]> =>
  JSON.parse((await execa('nbdinfo', ['--map', '--json', uri])).stdout) as {
    offset: number;
    length: number;
    type: number;
  }[];

describe('serveExtentList', () => {
  test('shows only the extents as data, and everything else as holes', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a'), 4 * MiB, [0, 4 * MiB]);
    await using source = await serve(folder, 'a', 'raw', true);
    const extents = [
      { offset: 65_536, length: 65_536 },
      { offset: 3 * MiB, length: 512 },
    ];
    await using narrow = await serveExtentList({ source: source.uri, extents, directory: folder.path, name: 'areas' });
    const data = (await map(narrow.uri)).filter(({ type }) => type === 0);
    expect(data.map(({ offset, length }) => ({ offset, length }))).toEqual(extents);
    expect((await execa('nbdinfo', ['--size', narrow.uri])).stdout).toBe(String(4 * MiB));
  });

  test('an empty list is a disk of holes', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a'), MiB, [0, MiB]);
    await using source = await serve(folder, 'a', 'raw', true);
    await using narrow = await serveExtentList({
      source: source.uri,
      extents: [],
      directory: folder.path,
      name: 'areas',
    });
    expect((await map(narrow.uri)).every(({ type }) => type === 3)).toBe(true);
  });

  test('a socket that a killed nbdkit left behind is no obstacle', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a'), MiB);
    await using source = await serve(folder, 'a', 'raw', true);
    const options = { source: source.uri, extents: [], directory: folder.path, name: 'areas' };
    const first = await serveExtentList(options);
    process.kill(first.process.pid, 'SIGKILL');
    await using second = await serveExtentList(options);
    expect(isRunning(second.process)).toBe(true);
  });

  test('stopping it leaves no process; doing it again is fine', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a'), MiB);
    await using source = await serve(folder, 'a', 'raw', true);
    const narrow = await serveExtentList({ source: source.uri, extents: [], directory: folder.path, name: 'areas' });
    expect(await narrow.stop()).toBe('terminated');
    expect(isRunning(narrow.process)).toBe(false);
    expect(await narrow.stop()).toBe('gone');
  });

  test('a bad list or address is an error with what nbdkit said, at once', async () => {
    await using folder = await temporaryFolder();
    const started = performance.now();
    const broken = serveExtentList({
      source: 'nbd+unix:///x?socket=/nonexistent',
      extents: [{ offset: -5, length: 1 }],
      directory: folder.path,
      name: 'areas',
    });
    await expect(broken).rejects.toMatchObject({
      code: 'nbd.failed',
      message: expect.stringContaining('nbdkit') as string,
    });
    await expect(
      serveExtentList({ source: 'ftp://x', extents: [], directory: folder.path, name: 'areas' }),
    ).rejects.toMatchObject({ code: 'run.internal' });
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test('without nbdkit the message names its package', async () => {
    await using folder = await temporaryFolder();
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      await expect(
        serveExtentList({ source: 'nbd://127.0.0.1:1/x', extents: [], directory: folder.path, name: 'areas' }),
      ).rejects.toMatchObject({ code: 'tool.missing' });
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('an abort leaves no process behind', async () => {
    await using folder = await temporaryFolder();
    const reason = new Error('enough');
    await expect(
      serveExtentList({
        source: 'nbd://127.0.0.1:1/x',
        extents: [],
        directory: folder.path,
        name: 'areas',
        signal: AbortSignal.abort(reason),
      }),
    ).rejects.toBe(reason);
  });
});

describe('nbdCopy', () => {
  test('copies a full, reporting progress from 0 to 1', async () => {
    await using folder = await temporaryFolder();
    await makeRaw(folder.file('a'), 8 * MiB + 512, [0, MiB], [5 * MiB, MiB], [8 * MiB, 512]);
    await createQcow2(folder.file('b'), 8 * MiB + 512, null);
    const seen: number[] = [];
    {
      await using from = await serve(folder, 'a', 'raw', true);
      await using to = await serve(folder, 'b', 'qcow2', false);
      await nbdCopy({
        from: from.uri,
        to: to.uri,
        ...tuned,
        requestSize: MiB,
        writeZeroesExplicitly: false,
        onProgress: (fraction) => seen.push(fraction),
      });
    }
    expect(await sameContent(folder.file('a'), folder.file('b'))).toBe(true);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('of an incremental it writes what is listed, zeros too, and no more', async () => {
    await using folder = await temporaryFolder();
    await createQcow2(folder.file('base'), 4 * MiB, null);
    await guestWrites(folder.file('base'), 'qcow2', 'write -P 5 0 4M');
    await createQcow2(folder.file('top'), 4 * MiB, 'base');
    // The source has zeros where the parent has fives, and something else outside of the list.
    await makeRaw(folder.file('now'), 4 * MiB, [2 * MiB, MiB]);
    {
      await using source = await serve(folder, 'now', 'raw', true);
      await using narrow = await serveExtentList({
        source: source.uri,
        extents: [
          { offset: 0, length: 65_536 },
          { offset: 2 * MiB, length: 65_536 },
        ],
        directory: folder.path,
        name: 'areas',
      });
      await using to = await serve(folder, 'top', 'qcow2', false);
      await nbdCopy({ from: narrow.uri, to: to.uri, ...tuned, writeZeroesExplicitly: true });
    }
    const { stdout } = await execa('qemu-img', ['map', '--output=json', folder.file('top')]);
    const own = (
      JSON.parse(stdout) as { start: number; length: number; depth: number; present: boolean; zero: boolean }[]
    ).filter(({ depth, present }) => depth === 0 && present);
    expect(own.map(({ start, length, zero }) => [start, length, zero])).toEqual([
      [0, 65_536, true],
      [2 * MiB, 65_536, false],
    ]);
  });

  test('the arguments are the tuned ones', () => {
    const options: CopyOptions = {
      from: 'a',
      to: 'b',
      ...tuned,
      writeZeroesExplicitly: true,
      onProgress: () => undefined,
    };
    expect(nbdCopyArgs(options)).toEqual([
      '--flush',
      '--destination-is-zero',
      '--sparse=0',
      '--connections=4',
      '--requests=64',
      '--request-size=65536',
      '--progress=3',
      'a',
      'b',
    ]);
    expect(nbdCopyArgs({ ...options, writeZeroesExplicitly: false, onProgress: undefined })).not.toContain(
      '--sparse=0',
    );
  });

  test('a source that is not there is an error with what nbdcopy said', async () => {
    await using folder = await temporaryFolder();
    await createQcow2(folder.file('b'), MiB, null);
    await using to = await serve(folder, 'b', 'qcow2', false);
    const broken = nbdCopy({
      from: 'nbd+unix:///x?socket=/nonexistent',
      to: to.uri,
      ...tuned,
      writeZeroesExplicitly: false,
      onProgress: () => undefined,
    });
    await expect(broken).rejects.toMatchObject({
      code: 'tool.failed',
      message: expect.stringMatching(/nbdcopy ended with 1: .*nonexistent/s) as string,
    });
  });

  test('a target without space is told as a full disk', async () => {
    await using folder = await temporaryFolder();
    await writeFile(
      folder.file('nbdcopy'),
      '#!/bin/sh\necho "nbdcopy: write at offset 0 failed: No space left on device" >&2\nexit 1\n',
      { mode: 0o755 },
    );
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder.path}:${path}`;
    try {
      await expect(nbdCopy({ from: 'a', to: 'b', ...tuned, writeZeroesExplicitly: false })).rejects.toMatchObject({
        code: 'disk.full',
      });
    } finally {
      process.env['PATH'] = path;
    }
  });
});
