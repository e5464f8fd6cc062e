import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { mountedTree } from '../../../src/cli/files/mount/mounted-tree.ts';
import { patientFiles } from '../../../src/cli/files/mount/patient-files.ts';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { FilesClient } from '../../../src/files/client/files-client.ts';
import { shownEntry } from '../../../src/files/shown.ts';
import type { SftpFile } from '../../../src/cli/files/mount/sftp-server.ts';

const sizes: Readonly<Record<string, number>> = { a: 3, b: 3, c: 3, large: 100_000, huge: 300_000 };

const plain = {
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  links: 1,
  inode: '7',
  mtime: '0',
  ctime: '0',
  atime: '0',
} as const;

const entries = Object.entries(sizes).map(([name, size]) =>
  shownEntry({ ...plain, name: Buffer.from(name).toString('base64'), size, allocated: size }, Buffer.alloc(0)),
);

/** A volume with these files. @param fails what the next answers are; null: content */
function volume(fails: (SendenseError | null)[] = []) {
  const asked: string[] = [];
  const client: Partial<FilesClient> = {
    list: async () => ({
      version: 1,
      volume: 'disk-0',
      path: '/',
      id: '',
      total: 5,
      entries,
      next: null,
      unreadable: [],
    }),
    show: async () => {
      throw new SendenseError('access.login', 'the token is wrong');
    },
    content: async ({ path }, { from = 0, to } = {}) => {
      const name = Buffer.from(path, 'base64url').toString();
      asked.push(name);
      const error = fails.shift();
      if (error) throw error;
      const bytes = Buffer.alloc(sizes[name] ?? 0, name).subarray(from, to);
      return Readable.from([bytes]) as IncomingMessage;
    },
  };
  const root = { name: null, place: { session: 's', volume: 'disk-0', path: '' } };
  const ended = new AbortController();
  const bounds = { signal: ended.signal, silenceMs: null };
  const patient = patientFiles(client as FilesClient, bounds, { mostMs: 60_000, betweenMs: 1 });
  const lost: SendenseError[] = [];
  const tree = mountedTree(patient, [root], { used: 0, bounds, lost: (error) => lost.push(error) });
  return { asked, lost, ended, tree };
}

async function contentOf(file: SftpFile, length = 10): Promise<string> {
  const bytes = await file.read(0, length);
  file.close();
  return bytes.toString();
}

describe('files of a mounted tree', () => {
  it('that are small and read one after the other come with one request each', async () => {
    const { tree, asked } = volume();
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    for (const name of ['a', 'b', 'c'])
      expect(await contentOf(await tree.open(Buffer.from(name)))).toBe(name.repeat(3));
    expect(asked.toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('that could not be read ahead are asked for again, and say why', async () => {
    const damaged = (): SendenseError => new SendenseError('files.damaged', 'EUCLEAN');
    const { tree, asked, lost } = volume([null, damaged(), null, damaged()]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    await tree.open(Buffer.from('a'));
    await tree.open(Buffer.from('b'));
    await expect(tree.open(Buffer.from('c'))).rejects.toMatchObject({ code: 'files.damaged' });
    expect(asked).toEqual(['a', 'c', 'b', 'c']);
    expect(lost).toEqual([]);
  });

  it('that cannot be read to their end are told to nobody as shorter ones', async () => {
    const { tree, lost, ended } = volume([null, new SendenseError('files.damaged', 'EUCLEAN')]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    const file = await tree.open(Buffer.from('huge'));
    expect(await file.read(100_000, 10)).toHaveLength(10);
    const read = file.read(200_000, 10);
    await expect
      .poll(() => lost)
      .toMatchObject([
        {
          code: 'files.damaged',
          message: expect.stringContaining('huge cannot be read to its end (EUCLEAN)') as string,
        },
      ]);
    ended.abort();
    await expect(read).rejects.toThrow('nobody waits');
  });

  it('of a hub that is away for a moment are waited for; what it does not know any more is lost', async () => {
    const away = (): SendenseError => new SendenseError('remote.unreachable', 'ECONNREFUSED');
    const { tree, asked, lost } = volume([away(), away()]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    expect(await contentOf(await tree.open(Buffer.from('large')), 5)).toBe('large');
    expect(asked).toHaveLength(3);
    for (const code of ['access.login', 'files.session'] as const)
      expect(tree.statusOf(new SendenseError(code, 'gone'))).toBe(100);
    // Both ask whether it is open, together.
    await expect.poll(() => lost.map(({ code }) => code)).toEqual(['access.login']);
  });

  it('wait for their turn where more are read than the settings allow', async () => {
    const busy = (): SendenseError => new SendenseError('files.busy', '8 downloads go on');
    const { tree, asked } = volume([busy(), busy()]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    expect(await contentOf(await tree.open(Buffer.from('large')), 5)).toBe('large');
    expect(asked).toEqual(['large', 'large', 'large']);
  });
});
