import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { mountedTree } from '../../../src/cli/files/mount/mounted-tree.ts';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { FilesClient } from '../../../src/files/client/files-client.ts';
import { shownEntry } from '../../../src/files/shown.ts';
import type { SftpFile } from '../../../src/cli/files/mount/sftp-server.ts';

const sizes: Readonly<Record<string, number>> = { a: 3, b: 3, c: 3, large: 100_000 };

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

/** A volume with these files. @param fails how often the next answers are errors */
function volume(fails: SendenseError[] = []) {
  const asked: string[] = [];
  const client: Partial<FilesClient> = {
    list: async () => ({
      version: 1,
      volume: 'disk-0',
      path: '/',
      id: '',
      total: 4,
      entries,
      next: null,
      unreadable: [],
    }),
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
  return { asked, tree: mountedTree(client as FilesClient, [root], { used: 0, lost: () => undefined }) };
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
    const { tree, asked } = volume([damaged(), damaged()]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    await tree.open(Buffer.from('a'));
    await tree.open(Buffer.from('b'));
    const file = await tree.open(Buffer.from('c'));
    await expect(contentOf(file)).rejects.toMatchObject({ code: 'files.damaged' });
    expect(asked).toEqual(['c', 'c']);
  });

  it('wait for their turn where more are read than the settings allow', async () => {
    const busy = (): SendenseError => new SendenseError('files.busy', '8 downloads go on');
    const { tree, asked } = volume([busy(), busy()]);
    for await (const _page of tree.list(Buffer.alloc(0))) void 0;
    expect(await contentOf(await tree.open(Buffer.from('large')), 5)).toBe('large');
    expect(asked).toEqual(['large', 'large', 'large']);
  });
});
