import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'third-kind-'));
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true });
  for (const name of ['tsconfig.json', 'package.json']) cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As `npm run types` would have it, had the schemas one more type of source, `tape`, and one more of target, `shelf`. */
function addKinds(): void {
  const file = join(folder, 'src/schemas/types.ts');
  const text = readFileSync(file, 'utf8');
  const more = text
    .replace(/(?<!interface )\bImageSourceSettings\b/g, '$& | TapeSettings')
    .replace(/(?<!interface )\bImageSourceSpec\b/g, '$& | TapeSpec')
    .replace(/\b(target\??: 'directory')/g, "$1 | 'shelf'")
    .replace(/\bto\?: DirectoryTo\b/g, '$& | { shelf: string }')
    .replace(/\bto:\s+\| (?=\{\s+directory: string;)/g, '$&{ shelf: string } | ')
    .replace(/(?<!interface )\bImageDiscoverOutput\b/g, '$& | TapeOutput');
  const named = [
    'TapeSettings',
    'TapeSpec',
    'TapeOutput',
    "'shelf'",
    'DirectoryTo | { shelf',
    '| { shelf: string } | {',
  ];
  expect(named.filter((name) => !more.includes(name))).toEqual([]);
  const tape = `
export interface TapeSettings { type: 'tape'; drive: string }
export interface TapeSpec { type: 'tape'; drive: string }
export interface TapeOutput { version: 1; type: 'tape'; source: string; node: string; vms: string[]; warnings: string[]; plan_file: string | null; plan_text?: string }
`;
  writeFileSync(file, more + tape);
}

function filesThatDoNotCompile(): string[] {
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false'],
    {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    },
  );
  return [...new Set([...stdout.matchAll(/^(src\/[^(]+)\(/gm)].map(([, file]) => file ?? ''))].toSorted();
}

test(
  'one more type of source, and one of target, do not compile until every list has them',
  { timeout: 400_000 },
  () => {
    addKinds();
    expect(filesThatDoNotCompile()).toEqual([
      'src/cli/first-files.ts',
      'src/cli/restore-to.ts',
      'src/hub/acts/remote-targets.ts',
      'src/hub/discovery/protected-by.ts',
      'src/node/sources/index.ts',
      'src/plan/checks/check-target.ts',
      'src/sources/index.ts',
      'src/targets/index.ts',
      'src/view/reports/discover-report.ts',
    ]);
  },
);

test('outside of the kinds themselves no file asks of which type a source is', () => {
  const found = execFileSync('grep', ['-rnE', `'(image|vsphere)'`, 'src', '--include=*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const own = /^src\/(sources|node\/sources|node\/vsphere|targets\/vsphere)\/|^src\/schemas\/types\.ts/;
  // Kinds of targets and of places for attached disks, of which one has the same name.
  const targets =
    /^src\/cli\/restore-to\.ts|^src\/cli\/attach-places\.ts|^src\/hub\/attached\/attach-place\.ts|^src\/plan\/checks\/check-target\.ts|^src\/web\/screens\/restore\/targets\.ts/;
  // What `init` makes of its own options, and files of a repository, of which one sort is called image.
  const others = /^src\/cli\/actions\/init\.ts|^src\/repository\/stored-files\//;
  expect(
    found.split('\n').filter((line) => line !== '' && !own.test(line) && !targets.test(line) && !others.test(line)),
  ).toEqual([]);
});
