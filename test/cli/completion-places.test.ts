import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pointNames } from '../../src/cli/completion/file-places.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { runCli } from './run-cli.ts';

/** A stand-in for the program: it says what it was asked, and offers what stands in the file `offers`. */
const program = `#!/bin/sh
shift
printf '%s\\n' "$*" >> asked
cat offers
`;

/** What a real bash makes of a line when its user presses the tab key. */
async function afterTab(line: string, offers: readonly string[]): Promise<{ line: string; asked: string }> {
  await using folder = await temporaryFolder();
  writeFileSync(folder.file('sendense-run'), program, { mode: 0o755 });
  writeFileSync(folder.file('offers'), offers.map((one) => `${one}\n`).join(''));
  writeFileSync(folder.file('asked'), '');
  const { stdout } = await runCli(['completion', 'bash']);
  writeFileSync(folder.file('completion'), stdout);
  const { stdout: completed, stderr } = spawnSync('python3', [pressTab, line], {
    cwd: folder.path,
    encoding: 'utf8',
    timeout: 300_000,
  });
  expect(stderr).toBe('');
  return { line: completed, asked: readFileSync(folder.file('asked'), 'utf8').trim() };
}

const pressTab = join(import.meta.dirname, 'press-tab.py');

describe('a real bash', () => {
  it.each([
    ['sendense-run files ls pgtest1 di', ['disk-0p2:/'], 'disk-0p2:/', 'places pgtest1 di'],
    ['sendense-run files ls pgtest1 disk-0p2:/et', ['disk-0p2:/etc/'], 'disk-0p2:/etc/', 'places pgtest1 disk-0p2:/et'],
    ['sendense-run files ls -l pgtest1@latest /et', ['/etc/'], '/etc/', 'places pgtest1@latest /et'],
    ['sendense-run files cat pg', ['pgtest1'], 'pgtest1 ', 'points pg'],
    ['sendense-run files cat pgtest1@2026', ['pgtest1@20261123T1-ab'], 'pgtest1@20261123T1-ab ', 'points pgtest1@2026'],
    ['sendense-run files diff pgtest1 pgtest1@y', ['pgtest1@yesterday'], 'pgtest1@yesterday ', 'points pgtest1@y'],
    ['sendense-run files diff a b /e', ['/etc/'], '/etc/', 'places a /e'],
    ['sendense-run files get --to x pgtest1 /etc /s', ['/srv/'], '/srv/', 'places pgtest1 /s'],
    ['sendense-run files cat a /my\\ f', ['/my file'], '/my\\ file ', 'places a /my f'],
    ['sendense-run files cat a d:/caf', ['d:/caf\\xe9'], 'd:/caf\\\\xe9 ', 'places a d:/caf'],
  ])('completes %s', async (line, offers, end, asked) => {
    const completed = await afterTab(line, offers);
    expect(completed.asked).toBe(asked);
    expect(completed.line).toBe(line.slice(0, line.lastIndexOf(/\\ /.test(line) ? ' /' : ' ') + 1) + end);
  });
});

describe('a real bash, within quotes', () => {
  it.each([
    ["sendense-run files cat a 'd:/it", "d:/it's", "'d:/it'\\''s' "],
    ["sendense-run files cat a 'd:/", "d:/'; touch trap; 'x", "'d:/'\\''; touch trap; '\\''x' "],
    ["sendense-run files cat a 'd:/!", 'd:/!x $y', "'d:/!x $y' "],
    ['sendense-run files cat a "d:/', 'd:/$(touch trap)', '"d:/\\$(touch trap)" '],
    ['sendense-run files cat a "d:/', 'd:/`x`"y"\\\\n', '"d:/\\`x\\`\\"y\\"\\\\\\\\n" '],
    ['sendense-run files cat a "d:/q\\"', 'd:/q"r', '"d:/q\\"r" '],
    ['sendense-run files cat a "d:/!', 'd:/!x', '"d:/"\\!"x" '],
    // Where a quote has ended within the word, bash would put all of it behind what is there.
    ["sendense-run files cat a 'd:/it'\\''", "d:/it's", "'d:/it'\\''"],
  ])('makes the words of %s with %s', async (line, offer, end) => {
    const completed = await afterTab(line, [offer]);
    expect(completed.line).toBe(`sendense-run files cat a ${end}`);
  });
});

it('restore points are offered by VM, newest first; nothing where there is none', async () => {
  await using folder = await temporaryFolder();
  const config = folder.file('sendense.yaml');
  writeFileSync(config, 'repositories:\n  primary: { path: ./one }\n');
  mkdirSync(folder.file('one/web'), { recursive: true });
  mkdirSync(folder.file('one/wiki'));
  for (const id of ['20261122T010000Z-aaaaaa', '20261123T010000Z-bbbbbb'])
    writeFileSync(folder.file(`one/web/${id}.json`), '');
  expect(pointNames(config, 'w')).toEqual(['web', 'wiki']);
  expect(pointNames(config, 'web@2')).toEqual(['web@20261123T010000Z-bbbbbb', 'web@20261122T010000Z-aaaaaa']);
  expect(pointNames(config, 'web@l')).toEqual(['web@latest']);
  expect(pointNames(config, '../../etc@')).toEqual([]);
  expect(await runCli(['completion', 'points', 'web@y', '--config', config])).toMatchObject({
    stdout: 'web@yesterday\n',
  });
});

it('places are none, and nothing is said, where nothing is open or known', async () => {
  await using folder = await temporaryFolder();
  writeFileSync(folder.file('sendense.yaml'), 'repositories:\n  primary: { path: ./one }\nstate: ./state.db\n');
  for (const config of ['sendense.yaml', 'none.yaml'])
    expect(await runCli(['completion', 'places', 'pgtest1', 'disk-0p1:/', '--config', folder.file(config)])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
});
