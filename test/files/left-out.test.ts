import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { curlBytes, linesOfTrailer, trailerOf } from '../../src/files/client/wire.ts';
import { leftOutBytes, type Entry } from '../../src/files/protocol.ts';
import { zipOfFiles } from '../../src/hub/files/zip/zip-of-files.ts';
import type { OpenFiles } from '../../src/hub/files/open-files.ts';

/** Three bytes a letter. */
const lines = Array.from({ length: 3000 }, (_, at) => `./${'\u5b57'.repeat(30)}${at}: a socket is left out`);

test('what was left out fits into a trailer, whatever its letters are, and how many more there were is said', () => {
  const value = trailerOf(lines, leftOutBytes);
  // Node's parser takes 16 KiB of header fields.
  expect(value.length).toBeLessThan(12_000);
  const kept = linesOfTrailer(value);
  expect(kept.at(-1)).toBe(`and ${lines.length - kept.length + 1} more`);
  expect(kept.slice(0, -1)).toEqual(lines.slice(0, kept.length - 1));
});

test('shortened again, it still says how many there were in all', () => {
  const kept = linesOfTrailer(trailerOf(linesOfTrailer(trailerOf(lines, leftOutBytes)), curlBytes));
  expect(kept.at(-1)).toBe(`and ${lines.length - kept.length + 1} more`);
  expect(linesOfTrailer(trailerOf([], curlBytes))).toEqual([]);
});

test('curl takes it', async () => {
  await using server = createServer((_request, answer) => {
    answer.writeHead(200, { trailer: 'sendense-left-out' });
    answer.write('archive');
    answer.addTrailers({ 'sendense-left-out': trailerOf(lines, curlBytes) });
    answer.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '30', url]);
  expect(stdout).toBe('archive');
});

test('a zip archive says it of any number of them', async () => {
  const socket = (at: number): Entry => ({
    name: Buffer.from(`${'\u5b57'.repeat(30)}${at}`).toString('base64'),
    type: 'socket',
    size: 0,
    allocated: 0,
    mode: 0o600,
    uid: 0,
    gid: 0,
    links: 1,
    inode: String(at + 12),
    mtime: '0',
    ctime: '0',
    atime: '0',
  });
  const entries = Array.from({ length: 3000 }, (_, at) => `${JSON.stringify(socket(at))}\n`).join('');
  const ask = async (_name: string, _ask: unknown, options: { onBytes(bytes: Buffer): Promise<void> }) => {
    await options.onBytes(Buffer.from(entries));
    return { seen: 3000, unreadable: ['/damaged: EIO'] };
  };
  const root = { ...socket(0), type: 'folder', path: '', xattrs: [], doubled: null } as const;
  const { signal } = new AbortController();
  const { said } = await zipOfFiles(
    { ask } as unknown as OpenFiles,
    { volume: 'disk-0', found: [root], from: '' },
    { signal, onBytes: async () => {} },
  );
  expect(Buffer.byteLength(said)).toBeLessThan(leftOutBytes + 100);
  expect(said).toMatch(/and \d+ more$/);
});
