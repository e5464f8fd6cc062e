import { open, truncate } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readTarHeader, tarHeader, tarPadding } from '../../../src/host/files/tar-header.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const GiB = 2 ** 30;
const modified = 1_795_310_330;

test('other programs read members of any size, and this one reads its own', async () => {
  await using folder = await temporaryFolder();
  const file = folder.file('large.tar');
  const members = [
    { name: 'a', size: 1 },
    { name: 'large.vmdk', size: 9 * GiB + 1 },
    { name: `${'n'.repeat(95)}.end`, size: 8 * GiB - 1 },
    { name: 'c', size: 0 },
  ];
  let at = 0;
  {
    await using handle = await open(file, 'w');
    for (const member of members) {
      const header = tarHeader({ ...member, modified });
      expect(readTarHeader(header)).toEqual(member);
      await handle.write(header, 0, header.length, at);
      at += header.length + member.size + tarPadding(member.size);
    }
  }
  // Holes: nobody writes 17 GiB.
  await truncate(file, at + 1024);
  const python =
    'import sys, tarfile, json; print(json.dumps([[m.name, m.size, m.mtime] for m in tarfile.open(sys.argv[1], "r:").getmembers()]))';
  const { stdout } = await execa('/usr/bin/python3', ['-c', python, file]);
  expect(JSON.parse(stdout)).toEqual(members.map(({ name, size }) => [name, size, modified]));
  const { stdout: listed } = await execa('tar', ['--numeric-owner', '-tvf', file], { env: { TZ: 'UTC' } });
  expect(listed.split('\n').map((line) => line.split(/ +/).slice(0, 3))).toEqual(
    members.map(({ size }) => ['-rw-r--r--', '0/0', String(size)]),
  );
});

test('what has another form is refused', () => {
  const header = tarHeader({ name: 'a', size: 5, modified });
  expect(readTarHeader(Buffer.alloc(512))).toBeNull();
  for (const at of [0, 124, 148, 156, 257, 400]) {
    const changed = Buffer.from(header);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => readTarHeader(changed), String(at)).toThrow('the archive is damaged');
  }
  expect(() => readTarHeader(header.subarray(0, 511))).toThrow('the archive is damaged');
  expect(() => tarHeader({ name: 'n'.repeat(100), size: 0, modified })).toThrow('too long');
});
