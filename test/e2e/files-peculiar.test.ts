import { execa } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longestPath } from '../../src/files/protocol.ts';
import type { FilesFoundOutput, FilesListOutput, FilesStatOutput, FilesTakenOutput } from '../../src/schemas/types.ts';
import { writesBytes } from './files-hub.ts';
import { endFiles } from './files-keepers.ts';
import { backupPlan, workspace, type Workspace } from './workspace.ts';

let bench: Workspace;

const depth = 170;
const name = (at: number): string => `${at}-`.padEnd(200, 'd');
/** Path of the folder in which that many are one in the other. */
const chain = (length: number): string => ['chain', ...Array.from({ length }, (_, at) => name(at + 1))].join('/');

/** Folders whose path is longer than any call of the system takes, and a folder that has a name twice. */
const script = [
  'write hostname hostname',
  'mkdir chain',
  'cd chain',
  ...Array.from({ length: depth }, (_, at) => [
    `mkdir ${name(at + 1)}`,
    `cd ${name(at + 1)}`,
    'write hostname f',
  ]).flat(),
  'cd /',
  'mkdir double',
  'cd double',
  'write hostname a',
  'write hostname double-1',
  'write other double-2',
].join('\n');

beforeAll(async () => {
  bench = await workspace({ ownProcess: writesBytes });
  await bench.write('hostname', 'web1\n');
  await bench.write('other', 'another one\n');
  await bench.write('script', `${script}\n`);
  await bench.write('plan.yaml', backupPlan(['new.raw', 'old.raw']));
  for (const [image, type] of [
    ['new.raw', 'ext4'],
    ['old.raw', 'ext2'],
  ] as const) {
    await bench.write(image, '');
    await truncate(bench.path(image), 32 * 2 ** 20);
    // Without checksums: a name is changed past the file system.
    const features = type === 'ext4' ? ['-O', '^metadata_csum'] : [];
    await execa(`mkfs.${type}`, ['-q', ...features, image], { cwd: bench.folder });
    await execa('debugfs', ['-w', '-f', 'script', image], { cwd: bench.folder });
    const bytes = await readFile(bench.path(image));
    await using file = await open(bench.path(image), 'r+');
    await file.write('1', bytes.indexOf('double-2') + 'double-'.length);
  }
  const run = await bench.run('plan.yaml');
  if (run.exitCode !== 0) throw new Error(run.stderr);
});

afterAll(async () => {
  await endFiles(bench);
  await bench[Symbol.asyncDispose]();
});

const files = (...words: readonly string[]) => {
  const [command = '', ...rest] = words;
  return bench.call(['files', command, 'pgtest1', ...rest]);
};

describe.each([
  ['ext4', 'disk-0'],
  ['ext2', 'disk-1'],
])('of %s', (_type, volume) => {
  it('folders are listed as deep as anybody can ask, and what is deeper is told', async () => {
    const listed = await files('ls', `${volume}:/${chain(150)}`, '--json');
    expect(listed.exitCode, listed.stderr).toBe(0);
    expect((JSON.parse(listed.stdout) as FilesListOutput).entries.map((entry) => entry.name)).toEqual([name(151), 'f']);
    const found = await files('find', `${volume}:/chain`, '--name', 'f', '--json');
    expect([found.exitCode, found.stderr.trim().split('\n').length]).toEqual([3, 1]);
    expect(found.stderr).toContain(`what is in it has a path of more than ${longestPath} bytes`);
    const paths = found.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as FilesFoundOutput).path);
    expect(paths).toHaveLength(162);
    const read = await files('cat', `${volume}:${paths.toSorted((a, b) => b.length - a.length)[0]}`);
    expect([read.exitCode, read.stdout], read.stderr).toEqual([0, 'web1']);
  });

  it('a tree is drawn to its end, and says what is too deep for it', async () => {
    const drawn = await files('tree', `${volume}:/chain`);
    expect(drawn.exitCode).toBe(3);
    expect(drawn.stdout.match(/[─-] f$/gm)).toHaveLength(163);
    expect(drawn.stderr).toContain(`and ${longestPath} are the most`);
    expect(drawn.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('a path that is too long is refused with the way out', async () => {
    const refused = await files('ls', `${volume}:/${chain(169)}`);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('files.path');
    expect(refused.stderr).toContain('files get');
  });

  it('what a folder has is taken out as far as names can be made, and from deeper below as well', async () => {
    for (const from of [0, 145]) {
      const to = bench.path(`${volume}-from-${from}`);
      const taken = await files('get', `${volume}:/${chain(from)}`, '--to', to, '--json');
      expect(taken.exitCode, taken.stderr).toBe(3);
      const { left_out: left } = JSON.parse(taken.stdout) as FilesTakenOutput;
      expect(left.join('\n')).toMatch(/take (?:this|the) folder/);
      const names = Array.from({ length: 15 }, (_, at) => name(from + at + 1));
      const at = join(to, from === 0 ? 'chain' : name(from), ...names, 'f');
      expect(readFileSync(at, 'utf8')).toBe('web1\n');
    }
  });

  it('a name that is twice in its folder is told by all that read it', async () => {
    const twice = /\/double\/double-1: its folder has this name twice, so the file system is damaged/;
    const listed = await files('ls', `${volume}:/double`, '--json');
    expect([listed.exitCode, listed.stderr]).toEqual([3, expect.stringMatching(twice)]);
    const { entries, total, unreadable } = JSON.parse(listed.stdout) as FilesListOutput;
    expect([entries.map((entry) => entry.name), total, unreadable.length]).toEqual([['a', 'double-1'], 2, 1]);
    const found = await files('find', `${volume}:/double`);
    expect([found.exitCode, found.stderr]).toEqual([3, expect.stringMatching(twice)]);
    const stat = await files('stat', `${volume}:/double/double-1`, '--json');
    expect([stat.exitCode, stat.stderr]).toEqual([3, expect.stringMatching(twice)]);
    expect((JSON.parse(stat.stdout) as FilesStatOutput).warnings).toHaveLength(1);
    for (const place of ['double', 'double/double-1']) {
      const to = bench.path(`${volume}-${place.replace('/', '-')}`);
      const taken = await files('get', `${volume}:/${place}`, '--to', to);
      expect([taken.exitCode, taken.stderr], place).toEqual([3, expect.stringMatching(twice)]);
      expect(existsSync(join(to, place === 'double' ? 'double/double-1' : 'double-1'))).toBe(true);
    }
  });
});
