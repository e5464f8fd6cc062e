/**
 * `npm run package:deb`: the Debian packages of this checkout, for this machine's architecture, in `packages/`.
 * SOURCE_DATE_EPOCH is the time of their files; default: that of the last commit.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackages } from './build-packages.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

function lastChange(): number {
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
  } catch {
    return Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000);
  }
}

const epoch = Number(process.env['SOURCE_DATE_EPOCH'] ?? lastChange());
for (const file of buildPackages({
  root,
  out: join(root, 'packages'),
  version,
  epoch,
  compression: { program: 'xz', level: 6 },
  onBuild: (target, bytes) => console.error(`compressing ${(bytes / 1e6).toFixed(0)} MB into ${target} ...`),
}))
  console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB`);
