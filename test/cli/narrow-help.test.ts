import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { CommandDefinition } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands/index.ts';
import { widthOf } from '../../src/view/text.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { runCli } from './run-cli.ts';

const pathsOf = (definitions: readonly CommandDefinition[], above: readonly string[] = []): string[][] =>
  definitions
    .filter(({ hidden }) => !hidden)
    .flatMap((one) => [[...above, one.name], ...pathsOf(one.commands ?? [], [...above, one.name])]);

/** Lines that the terminal breaks, wherever it happens to: all but one long word, and commands with quotes, which are to be copied. */
async function tooLong(argv: readonly string[], columns: number): Promise<string[]> {
  const { stdout, stderr } = await runCli(argv, { isTTY: true, columns });
  return `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => widthOf(line) > columns && /\s/.test(line.trim()) && !/^ {2}\S.*['"]/.test(line));
}

describe.each([60, 80])('on a terminal of %i columns no word is broken', (columns) => {
  test.each([[], ...pathsOf(commands)].map((path) => [path.join(' '), path] as const))(
    'in the help of %s',
    async (_name, path) => {
      expect(await tooLong([...path, '--help'], columns)).toEqual([]);
    },
  );

  test.each([
    'explain',
    'explain chain.damaged',
    'explain plan/unknown-key',
    'explain restore.write',
    'explain 1',
    'schema',
  ])('in %s', async (line) => {
    expect(await tooLong(line.split(' '), columns)).toEqual([]);
  });

  test('in what validate says', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('settings.yaml'), 'version: 1\nrepositories: { primary: { path: ./r } }\n');
    await writeFile(
      folder.file('bad.yaml'),
      `version: 1\nkind: backup\nname: bad\nvm: { name: web1, source: { type: imag, disks: [{ path: ./a-disk-with-a-very-long-name-indeed.raw }] } }\nretention: { dialy: 5 }\n`,
    );
    expect(
      await tooLong(['validate', folder.file('bad.yaml'), '--config', folder.file('settings.yaml')], columns),
    ).toEqual([]);
  });
});
