import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { canonical } from '../../src/repository/manifest.ts';
import { readIntent } from '../../src/repository/merge/intent.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

/** Of a removal of one restore point, which names that file. */
async function readNaming(file: string, id: string): Promise<unknown> {
  await using folder = await temporaryFolder();
  const content = {
    format: 'sendense-merge/1',
    context: 'vm',
    name: id,
    phase: 'unpublished',
    removed: [{ backup_id: id, checksum: 'x', files: [file] }],
    child: null,
  };
  const checksum = `sha256:${createHash('sha256').update(canonical(content)).digest('hex')}`;
  await mkdir(folder.file('vm'));
  await writeFile(folder.file('vm', `${id}.merge`), JSON.stringify({ ...content, checksum }));
  return await readIntent(folder.path, 'vm', id);
}

test.each(['disk-0/a.b.qcow2', 'disk-12/a.b.index', 'a.b.vm-config', 'a.b.marks'])(
  'a removal may name %s of the restore point a.b',
  async (file) => {
    await expect(readNaming(file, 'a.b')).resolves.toMatchObject({ name: 'a.b' });
  },
);

test.each([
  'disk-0/axb.qcow2',
  'axb.marks',
  'disk-0/a.b.marks',
  'a.b.qcow2',
  '../a.b.marks',
  'disk-0/../a.b.index',
  'a.b.json',
])('a removal may not name %s, which is of another restore point than a.b, or none of its files', async (file) => {
  await expect(readNaming(file, 'a.b')).rejects.toMatchObject({
    code: 'repository.damaged',
    message: expect.stringContaining(file) as string,
  });
});
