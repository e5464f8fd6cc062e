import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeContents } from './contents.ts';
import { controlText, debianPackages, type DebianPackage } from './packages.ts';

export interface BuildOptions {
  /** The checkout. */
  readonly root: string;
  /** Where the packages go. */
  readonly out: string;
  readonly version: string;
  /** Time of every file, s since 1970 (reproducible-builds.org, SOURCE_DATE_EPOCH). */
  readonly epoch: number;
  /** Of gzip or none, for tests that have no time, or of xz. */
  readonly compression: { readonly program: 'gzip' | 'none' | 'xz'; readonly level: number };
  /** Called before each package is compressed, which can take a minute. @param bytes that go into it */
  readonly onBuild?: (file: string, bytes: number) => void;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Makes one file `NAME_VERSION_ARCH.deb` for each package, for this machine's architecture; returns their paths. */
export function buildPackages(options: BuildOptions): string[] {
  const stage = mkdtempSync(join(tmpdir(), 'sendense-deb-'));
  try {
    const dist = join(stage, 'dist');
    execFileSync(join(options.root, 'node_modules/.bin/rolldown'), ['-c', '--logLevel', 'silent', '-d', dist], {
      cwd: options.root,
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    execFileSync(join(options.root, 'packaging/compile-native.sh'), [dist]);
    mkdirSync(options.out, { recursive: true });
    return debianPackages.map((entry) => buildPackage(entry, join(stage, entry.name), dist, options));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function buildPackage(entry: DebianPackage, tree: string, dist: string, options: BuildOptions): string {
  const { root, out, version, epoch, compression } = options;
  mkdirSync(tree);
  writeContents(entry.name, { root, dist, tree, version });
  const files = filesIn(tree, '');
  for (const path of files) chmodSync(join(tree, path), modeOf(path));
  const control = join(tree, 'DEBIAN');
  mkdirSync(control);
  const bytes = files.reduce((sum, path) => sum + lstatSync(join(tree, path)).size, 0);
  const architecture = architectures[process.arch] ?? process.arch;
  const write = (name: string, text: string): void => writeFileSync(join(control, name), text);
  write('control', controlText(entry, { version, architecture, installedSize: Math.ceil(bytes / 1024) }));
  write(
    'md5sums',
    files
      .filter((path) => !entry.conffiles.includes(`/${path}`))
      .map((path) => `${md5(join(tree, path))}  ${path}\n`)
      .join(''),
  );
  if (entry.conffiles.length > 0) write('conffiles', entry.conffiles.map((path) => `${path}\n`).join(''));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const from = join(root, 'packaging/deb/scripts', `${entry.name}.${script}`);
    if (!existsSync(from)) continue;
    copyFileSync(from, join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  settleTree(tree, epoch);
  const file = join(out, `${entry.name}_${version}_${architecture}.deb`);
  // What is interrupted must not leave half a package under the name of a whole one.
  const part = `${file}.part`;
  const threads = compression.program === 'xz' ? availableParallelism() : 1;
  options.onBuild?.(file, bytes);
  execFileSync(
    'dpkg-deb',
    [
      '--root-owner-group',
      `-Z${compression.program}`,
      `-z${compression.level}`,
      `--threads-max=${threads}`,
      '--build',
      tree,
      part,
    ],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  renameSync(part, file);
  return file;
}

const md5 = (file: string): string => createHash('md5').update(readFileSync(file)).digest('hex');

/** Whatever the umask and the checkout say. */
const modeOf = (path: string): number => (/(^|\/)bin\/(node|sendense-[a-z-]+)$/.test(path) ? 0o755 : 0o644);

function filesIn(tree: string, folder: string): string[] {
  return readdirSync(join(tree, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesIn(tree, path) : [path];
    });
}

/** One mode for folders, one time for all. */
function settleTree(path: string, epoch: number): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) settleTree(join(path, name), epoch);
    chmodSync(path, 0o755);
  }
  lutimesSync(path, epoch, epoch);
}
