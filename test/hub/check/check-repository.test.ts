import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { exists } from '../../../src/host/files/files.ts';
import { packageRoot } from '../../../src/schemas/validator.ts';
import type { CheckOutput } from '../../../src/schemas/types.ts';
import { writeInto } from '../../host/disk-images.ts';
import { writeMarks } from '../../repository/fixture-files.ts';
import { dropTemplate, filledRepository, smallRepository, type SmallRepository } from '../small-repository.ts';
import type { Manifest } from '../../../src/schemas/types.ts';

type Finding = CheckOutput['findings'][number];

const short = ({ severity, code, backup_id, path }: Finding): string =>
  `${severity} ${code} ${backup_id ?? '-'} ${path}`;

/** What somebody with a text editor does: the file is read-only, its time is put back. */
async function quietly(path: string, work: () => Promise<unknown>): Promise<void> {
  const { atime, mtime, mode } = await stat(path);
  const before = (await stat(path, { bigint: true })).mtimeNs;
  await chmod(path, 0o644);
  await work();
  await chmod(path, mode);
  await utimes(path, atime, mtime);
  // utimes has no nanoseconds; touch has.
  await execa('touch', [
    '-m',
    '-d',
    `@${before / 1_000_000_000n}.${String(before % 1_000_000_000n).padStart(9, '0')}`,
    path,
  ]);
  expect((await stat(path, { bigint: true })).mtimeNs).toBe(before);
}

/** Where the file of an image keeps the guest's data at `start`. */
async function placeOf(path: string, start: number): Promise<number> {
  const { stdout } = await execa('qemu-img', ['map', '--output=json', path]);
  const area = (JSON.parse(stdout) as { start: number; length: number; offset?: number; depth: number }[]).find(
    (entry) => entry.start <= start && start < entry.start + entry.length,
  );
  if (area?.offset === undefined || area.depth !== 0) throw new Error(`${path} does not hold ${start}`);
  return area.offset + start - area.start;
}

async function flip(path: string, at: number): Promise<void> {
  const byte = (await readFile(path))[at] ?? 0;
  await writeInto(path, [at, Buffer.from([byte ^ 1])]);
}

const image = (id: string, disk = 0): string => `vm/disk-${disk}/${id}.qcow2`;
const index = (id: string, disk = 0): string => `vm/disk-${disk}/${id}.index`;

interface Damage {
  readonly name: string;
  readonly damage: (repository: SmallRepository) => Promise<unknown>;
  /** Findings of a deep check, in any order. */
  readonly deep: readonly string[];
  /** Of a quick one; default: the same. */
  readonly quick?: readonly string[];
}

const brokenAboveB1 = [`error chain.broken b2 ${image('b2')}`, `error chain.broken b3 ${image('b3')}`];

const damages: readonly Damage[] = [
  {
    name: 'one bit in the data of a full, its time put back',
    damage: async ({ file }) =>
      quietly(file(image('b1')), async () =>
        flip(file(image('b1')), await placeOf(file(image('b1')), 3 * 1024 * 1024 + 5)),
      ),
    deep: [`error content.mismatch b1 ${image('b1')}`, ...brokenAboveB1],
    quick: [],
  },
  {
    name: 'one bit in the data of an incremental',
    damage: async ({ file }) => flip(file(image('b2')), await placeOf(file(image('b2')), 65_536 + 7)),
    deep: [`error content.mismatch b2 ${image('b2')}`, `error chain.broken b3 ${image('b3')}`],
    quick: [`warning file.changed b2 ${image('b2')}`],
  },
  {
    name: 'the metadata of a qcow2',
    // The refcount of the first cluster.
    damage: ({ file }) => writeInto(file(image('b1')), [2 * 65_536, Buffer.from([0, 0])]),
    deep: [`error image.damaged b1 ${image('b1')}`, ...brokenAboveB1],
  },
  {
    name: 'the header of a qcow2',
    damage: ({ file }) => writeInto(file(image('b4')), [0, Buffer.from('XFI')]),
    deep: [`error image.damaged b4 ${image('b4')}`],
  },
  {
    name: 'a byte of a qcow2 header that no program reads',
    damage: ({ file }) => quietly(file(image('b4')), () => flip(file(image('b4')), 84)),
    deep: [`error image.damaged b4 ${image('b4')}`],
  },
  {
    name: 'a byte of a table of a qcow2 that no program reads',
    damage: ({ file }) => quietly(file(image('b4')), () => flip(file(image('b4')), 65_536 - 1)),
    deep: [`error image.damaged b4 ${image('b4')}`],
  },
  {
    name: 'one bit in a file of marks',
    damage: async ({ root, file }) => {
      await writeMarks(root, 'vm', 'b4', { protected: { since: 1, until: null, reason: '', by: 'x' } });
      await quietly(file('vm/b4.marks'), () => flip(file('vm/b4.marks'), 58));
    },
    deep: ['error file.changed b4 vm/b4.marks'],
  },
  {
    name: 'a file of marks without content',
    damage: ({ file }) => writeFile(file('vm/b4.marks'), ''),
    deep: ['error file.changed b4 vm/b4.marks'],
  },
  {
    name: 'a folder in the place of marks',
    damage: ({ file }) => mkdir(file('vm/b4.marks')),
    deep: ['error file.changed b4 vm/b4.marks'],
  },
  {
    name: 'a restore point that is marked as broken, whose files are sound now',
    damage: ({ root }) =>
      writeMarks(root, 'vm', 'b4', { broken: { since: 1, disks: [0], reason: 'a bit was wrong', run_id: null } }),
    deep: ['warning point.broken b4 vm/b4.marks'],
    quick: ['error point.broken b4 vm/b4.marks'],
  },
  {
    name: 'a restore point that is marked as broken, and is',
    damage: async ({ root, file }) => {
      await writeMarks(root, 'vm', 'b4', { broken: { since: 1, disks: [0], reason: 'it is gone', run_id: null } });
      await rm(file(image('b4')));
    },
    deep: [`error file.missing b4 ${image('b4')}`],
  },
  {
    name: 'the last byte of a manifest',
    damage: async ({ file }) => {
      const path = file('vm/b4.json');
      await quietly(path, async () => truncate(path, (await stat(path)).size - 1));
    },
    deep: ['error manifest.damaged b4 vm/b4.json'],
  },
  {
    name: 'another backing file',
    damage: async ({ file }) => {
      await chmod(file(image('b3')), 0o644);
      await execa('qemu-img', ['rebase', '-u', '-F', 'qcow2', '-b', 'b1.qcow2', file(image('b3'))]);
    },
    deep: [`error image.damaged b3 ${image('b3')}`],
  },
  {
    name: 'an image whose data are in another file',
    damage: ({ file }) => writeInto(file(image('b4')), [72, Buffer.from([0, 0, 0, 0, 0, 0, 0, 4])]),
    deep: [`error image.damaged b4 ${image('b4')}`],
  },
  {
    name: 'a qcow2 with features that are none of ours',
    damage: ({ file }) => writeInto(file(image('b4')), [72, Buffer.from([0, 0, 0, 0, 0, 0, 0, 16])]),
    deep: [`error image.damaged b4 ${image('b4')}`],
  },
  {
    name: 'a cut qcow2',
    damage: ({ file }) => truncate(file(image('b2')), 1000),
    deep: [`error file.changed b2 ${image('b2')}`, `error chain.broken b3 ${image('b3')}`],
  },
  {
    name: 'a missing qcow2',
    damage: ({ file }) => rm(file(image('b1', 1))),
    deep: [
      `error file.missing b1 ${image('b1', 1)}`,
      `error chain.broken b2 ${image('b2', 1)}`,
      `error chain.broken b3 ${image('b3', 1)}`,
    ],
  },
  {
    name: 'a link in the place of a qcow2',
    damage: ({ file }) =>
      rename(file(image('b4')), `${file(image('b4'))}.moved`).then(() => symlink('b4.qcow2.moved', file(image('b4')))),
    deep: [`error file.missing b4 ${image('b4')}`, `warning file.unowned - ${image('b4')}.moved`],
  },
  {
    name: 'one bit in a block index',
    damage: ({ file }) => flip(file(index('b1')), 40),
    deep: [`error index.damaged b1 ${index('b1')}`, ...brokenAboveB1],
  },
  {
    name: 'a missing block index',
    damage: ({ file }) => rm(file(index('b3'))),
    deep: [`error file.missing b3 ${index('b3')}`],
  },
  {
    name: 'one letter in a manifest',
    damage: async ({ file }) => {
      const text = await readFile(file('vm/b2.json'), 'utf8');
      await writeFile(file('vm/b2.json'), text.replace('"capacity_bytes": 4', '"capacity_bytes": 5'));
    },
    deep: [
      'error manifest.damaged b2 vm/b2.json',
      `error chain.broken b3 ${image('b3')}`,
      `error chain.broken b3 ${image('b3', 1)}`,
    ],
  },
  {
    name: 'a manifest that is missing',
    damage: ({ file }) => rm(file('vm/b2.json')),
    deep: [
      'error manifest.missing b2 vm/b2.json',
      `error chain.broken b3 ${image('b3')}`,
      `error chain.broken b3 ${image('b3', 1)}`,
    ],
  },
  {
    name: 'a manifest under another name',
    damage: ({ file }) => copyFile(file('vm/b4.json'), file('vm/b9.json')),
    deep: ['error manifest.damaged b9 vm/b9.json'],
  },
  {
    name: 'a manifest that somebody replaced',
    damage: (repository) =>
      repository.replaceManifest('b4', (manifest) => ({ ...manifest, warnings: ['all is well'] })),
    deep: ['error database.differs b4 vm/b4.json'],
  },
  {
    name: 'a disk whose key is not set',
    damage: (repository) =>
      repository.replaceManifest('b4', (manifest) => ({
        ...manifest,
        disks: manifest.disks.map((disk) => ({
          ...disk,
          encryption: { format: 'luks', key_id: '0123456789abcdef' },
        })) as Manifest['disks'],
      })),
    deep: [
      'error database.differs b4 vm/b4.json',
      `warning key.missing b4 ${image('b4')}`,
      `warning key.missing b4 ${image('b4', 1)}`,
    ],
  },
  {
    name: 'a restore point that the database does not know',
    damage: async ({ state }) => {
      const { deletePoint } = await import('../../../src/state/points/restore-points.ts');
      deletePoint(state, { repository: 'primary', context: 'vm', backupId: 'b4' });
    },
    deep: ['warning database.missing b4 vm/b4.json'],
  },
  {
    name: 'a whole VM that is missing',
    damage: ({ file }) => rm(file('other-vm'), { recursive: true }),
    deep: ['error manifest.missing c1 other-vm/c1.json'],
  },
  {
    name: 'a time that was touched',
    damage: ({ file }) => utimes(file(image('b1')), 1, 1),
    deep: [],
    quick: [`warning file.changed b1 ${image('b1')}`],
  },
  {
    name: 'foreign files',
    damage: async ({ file }) => {
      await writeFile(file('notes.txt'), '');
      await writeFile(file('vm/disk-0/old.qcow2'), '');
      await mkdir(file('vm/disk-7/deep'), { recursive: true });
      await writeFile(file('vm/disk-7/deep/x'), '');
    },
    deep: [
      'warning file.unowned - notes.txt',
      'warning file.unowned - vm/disk-0/old.qcow2',
      'warning file.unowned - vm/disk-7/deep/x',
    ],
  },
  {
    name: 'what a run that was cut off left',
    damage: async ({ file }) => {
      await writeFile(file('vm/disk-0/b5.index.sendense-part'), '');
      await writeFile(file('.x.sendense-part'), '');
    },
    deep: ['warning file.leftover - .x.sendense-part', 'warning file.leftover - vm/disk-0/b5.index.sendense-part'],
  },
];

afterAll(dropTemplate);

describe('check', () => {
  test('finds nothing in a sound repository, and reads everything when deep', async () => {
    await using repository = await filledRepository();
    const deep = await repository.check();
    expect(deep.findings).toEqual([]);
    expect(deep.points_checked).toBe(5);
    // What each file itself holds of the guest, as `verify` reads it; all else is in the envelope.
    expect(deep.bytes_read).toBe(25 * 65_536);
    expect(await repository.check({ deep: false })).toEqual({ findings: [], points_checked: 5, bytes_read: 0 });
  });

  test.each(damages)(
    'finds $name, and what depends on it, and nothing else',
    async ({ damage, deep, quick = deep }) => {
      await using repository = await filledRepository();
      await damage(repository);
      const deeply = await repository.check();
      expect(deeply.findings.map(short).toSorted()).toEqual(deep.toSorted());
      for (const finding of deeply.findings) {
        expect(finding.message).toContain(finding.path);
        expect(finding.remedy).not.toBe('');
      }
      expect((await repository.check({ deep: false })).findings.map(short).toSorted()).toEqual(quick.toSorted());
    },
  );

  test('a damaged parent is named as the reason of what depends on it', async () => {
    await using repository = await filledRepository();
    await rm(repository.file(image('b1')));
    const { findings } = await repository.check({ deep: false });
    expect(findings.find(({ backup_id }) => backup_id === 'b3')?.message).toMatch(
      /depends on b2, whose disk-0 is damaged/,
    );
  });

  test('the first difference is told with its offset on the guest disk', async () => {
    await using repository = await filledRepository();
    const path = repository.file(image('b2'));
    await flip(path, await placeOf(path, 65_536 + 7));
    expect((await repository.check()).findings[0]?.message).toContain('offset 65536 of disk-0');
  });

  test('only one VM, or only one restore point with what it is built on', async () => {
    await using repository = await filledRepository();
    await rm(repository.file(image('b4')));
    await rm(repository.file('vm/b4.json'));
    await rm(repository.file('other-vm/disk-0/c1.qcow2'));
    expect((await repository.check({ deep: false, context: 'other-vm' })).findings.map(short)).toEqual([
      'error file.missing c1 other-vm/disk-0/c1.qcow2',
    ]);
    expect(await repository.check({ deep: false, context: 'vm', point: 'b3' })).toEqual({
      findings: [],
      points_checked: 3,
      bytes_read: 0,
    });
    expect((await repository.check({ deep: false, context: 'vm', point: 'b1' })).points_checked).toBe(1);
    expect((await repository.check({ deep: false, context: 'vm', point: 'b4' })).findings.map(short)).toEqual([
      'error manifest.missing b4 vm/b4.json',
    ]);
    await writeFile(repository.file('vm/b2.json'), 'x');
    expect((await repository.check({ deep: false, context: 'vm', point: 'b3' })).findings.map(short)).toContain(
      'error manifest.damaged b2 vm/b2.json',
    );
  });

  test('files that a living run is making are not judged', async () => {
    await using repository = await filledRepository();
    await writeFile(repository.file('vm/disk-0/b5.qcow2'), '');
    await writeFile(repository.file('vm/disk-0/b5.index.sendense-part'), '');
    const claimed = () => new Set(['vm/disk-0/b5.qcow2', 'vm/disk-0/b5.index', 'vm/disk-0/b5.index.sendense-part']);
    expect((await repository.check({ deep: false, claimed })).findings).toEqual([]);
  });

  test('a restore point that is committed while the check goes on is not taken for foreign files', async () => {
    await using repository = await filledRepository();
    let added: Promise<unknown> | undefined;
    const onProgress = (): void =>
      void (added ??= repository.add({
        id: 'b5',
        created: '2026-11-05T00:00:00.000Z',
        writes: [['write -P 1 0 64k']],
      }));
    const known = repository.check({ context: 'vm', onProgress });
    const { findings } = await known;
    await added;
    expect(findings.filter(({ backup_id }) => backup_id !== null)).toEqual([]);
    expect((await repository.check()).findings).toEqual([]);
  });

  test('changes nothing, tells its progress, and stops on an abort', async () => {
    await using repository = await filledRepository();
    const { listing } = await import('../../steps/step-bench.ts');
    const before = await listing(repository.root);
    const seen: string[] = [];
    await repository.check({ context: 'vm', onProgress: (text, done, total) => seen.push(`${text} ${done}/${total}`) });
    expect(seen).toEqual(['vm b1 1/4', 'vm b2 2/4', 'vm b3 3/4', 'vm b4 4/4']);
    expect(await listing(repository.root)).toEqual(before);
    await expect(repository.check({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  test('a clock that went back does not hide what depends on a damaged parent', async () => {
    await using repository = await smallRepository();
    await repository.add({ id: 'b1', created: '2026-11-05T00:00:00.000Z', writes: [['write -P 1 0 64k']] });
    await repository.add({
      id: 'b2',
      parent: 'b1',
      created: '2026-11-01T00:00:00.000Z',
      writes: [['write -P 2 0 64k']],
    });
    await rm(repository.file(image('b1')));
    expect((await repository.check()).findings.map(short)).toEqual([
      `error file.missing b1 ${image('b1')}`,
      `error chain.broken b2 ${image('b2')}`,
    ]);
    expect(await exists(repository.file(image('b2')))).toBe(true);
  });
});

test('docs/repository.md explains every code, and no other', async () => {
  const schema = JSON.parse(await readFile(join(packageRoot, 'schemas/output/check.json'), 'utf8')) as {
    properties: { findings: { items: { properties: { code: { enum: string[] } } } } };
  };
  const codes = schema.properties.findings.items.properties.code.enum;
  const page = await readFile(join(packageRoot, 'docs/repository.md'), 'utf8');
  const explained = new Set(
    [...page.matchAll(/^\| `([a-z]+\.[a-z]+)` +\| (?:error|warning)/gm)].map((match) => match[1]),
  );
  expect([...explained].toSorted()).toEqual(codes.toSorted());
  const produced = new Set(
    damages.flatMap(({ deep, quick = [] }) => [...deep, ...quick]).map((line) => line.split(' ')[1]),
  );
  expect([...produced].toSorted()).toEqual(codes.toSorted());
});
