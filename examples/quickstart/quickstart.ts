/**
 * `npm run quickstart`: the main job on a VM that it makes itself. Full backup, two incrementals, restore of the middle
 * point, comparison bit for bit. Everything happens in one temporary folder; `--keep` keeps it. `--web` leaves a hub with its page
 * running instead (`web.ts`).
 */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { execa } from 'execa';
import { makeDemoVm, readGuestFile } from './demo-vm.ts';

const checkout = join(import.meta.dirname, '../..');
const program = join(checkout, 'sendense-run');

const files: Readonly<Record<string, string>> = {
  'sendense.yaml': `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
`,
  'nightly.yaml': `version: 1
kind: backup
name: pgtest1-nightly
mode: auto                  # incremental where that is safe, else full, with the reason
vm:
  name: pgtest1
  source:
    type: image
    disks:
      - path: vm/disk0.raw
      - path: vm/disk1.qcow2
repository: primary
`,
};

const restorePlan = (point: string): string => `version: 1
kind: restore
name: pgtest1-restore
vm: { name: pgtest1 }
repository: primary
point: ${point}
to: { directory: ./restored, format: raw }
`;

const print = (text = ''): void => void process.stdout.write(`${text}\n`);
const indent = (text: string): string => text.trimEnd().replaceAll(/^/gm, '    ');
const dim = (text: string): string => styleText('dim', text);
const good = (text: string): void => print(`  ${styleText('green', '✓')} ${text}`);

let chapter = 0;
function tell(title: string, text?: string): void {
  print(`\n${styleText('bold', `${++chapter}. ${title}`)}`);
  if (text !== undefined) print(text);
}

const flag = { type: 'boolean', default: false } as const;
const { values: options } = parseArgs({ options: { keep: flag, web: flag, stop: flag, help: flag } });
if (options.help) {
  print(
    'npm run quickstart                     a small VM, three backups, a restore; everything is removed at the end',
  );
  print('npm run quickstart -- --keep           the folder stays');
  print('npm run quickstart -- --web            a hub with a few days of history, and its page; it goes on');
  print('npm run quickstart -- --web --stop     stops that hub and removes its folder');
  print('The folder is below $TMPDIR. The page has port 8082, or any free one where that is taken.');
  process.exit(0);
}
if (options.web || options.stop) {
  const { quickstartWeb } = await import('./web.ts');
  process.exit(
    await quickstartWeb(options).catch((error: unknown) => {
      print(`\n${styleText('red', '✗')} ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }),
  );
}
// Ctrl-C reaches the program that runs, too; it unwinds, and then we clean up.
let interrupted = false;
process.on('SIGINT', () => (interrupted = true));

const started = Date.now();
const folder = await mkdtemp(join(tmpdir(), 'sendense-quickstart-'));
try {
  await quickstart();
} catch (error) {
  print(`\n${styleText('red', '✗')} ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupted ? 130 : 1;
} finally {
  if (options.keep) print(dim(`\nKept: ${folder}`));
  else await rm(folder, { recursive: true, force: true });
}

async function quickstart(): Promise<void> {
  tell('A virtual machine', `It has two disks, in ${folder}/vm:`);
  await mkdir(join(folder, 'vm'));
  const vm = await makeDemoVm(join(folder, 'vm'));
  print('    disk0.raw     128 MiB, raw: two partitions, boot and root, with ext4');
  print('    disk1.qcow2    64 MiB, qcow2: one partition, data, with ext4');

  tell('A plan', 'What to back up and where to is text that you can keep in Git.');
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    print(`\n  ${styleText('cyan', name)}\n${indent(text)}`);
  }

  tell('The first run: a full backup', 'Nothing is there yet, so both disks are copied whole.');
  await sendense('nightly.yaml');

  tell('The VM works, and the plan runs again', 'Some files change. Only the blocks that changed are kept.');
  await vm.change({
    root: { '/etc/motd': 'version 2\n' },
    data: { '/orders/002.txt': 'twenty pears\n' },
  });
  const moment = await vm.copyTo(join(folder, 'moment-2'));
  good('changed /etc/motd and added /orders/002.txt; put aside a copy of both disks, to compare with later');
  await sendense('nightly.yaml');

  tell('The VM works on, and the plan runs a third time', 'Someone overwrites a file and removes two.');
  await vm.change({
    root: { '/etc/motd': 'version 3\n' },
    data: { '/orders/001.txt': null, '/orders/002.txt': null },
  });
  await sendense('nightly.yaml');

  tell('The chain', 'One restore point a run; each holds what changed since the one that it stands on.');
  await sendense('show', 'pgtest1');

  const point = await middlePoint();
  tell('The orders are gone: bring back the middle point', 'A restore is a plan, too.');
  await writeFile(join(folder, 'restore.yaml'), restorePlan(point.id));
  print(`\n  ${styleText('cyan', 'restore.yaml')}\n${indent(restorePlan(point.id))}`);
  await sendense('restore.yaml');

  tell('Is it what the disks were?');
  const restored = [join(folder, 'restored/disk-0.raw'), join(folder, 'restored/disk-1.raw')] as const;
  for (const [index, name] of ['disk0', 'disk1'].entries()) {
    await execa('cmp', [restored[index] ?? '', moment[index] ?? '']);
    good(`${name}: every byte is what it was then (cmp)`);
  }
  await expectFile(restored[0], 'root', '/etc/motd', 'version 2');
  await expectFile(restored[1], 'data', '/orders/001.txt', 'ten apples');
  await expectFile(restored[1], 'data', '/orders/002.txt', 'twenty pears');

  tell('And without Sendense?', 'The repository holds plain qcow2 files; qemu-img alone restores from them:');
  const copy = join(folder, 'by-hand.raw');
  await command(['qemu-img', 'convert', '-O', 'raw', relative(folder, point.disk0), 'by-hand.raw']);
  await execa('cmp', [copy, moment[0]]);
  good('the same bytes again');

  tell('Where everything is', `${folder}/`);
  print(`    sendense.yaml, nightly.yaml, restore.yaml
    state/sendense.db`);
  await printTree(folder, ['repository', 'restored']);

  print(`\n${styleText('bold', `Done in ${((Date.now() - started) / 1000).toFixed(0)} s.`)}`);
  if (!options.keep) print('The folder is removed now; `npm run quickstart -- --keep` keeps it to play with.');
  print('Next:');
  print(`    ./sendense-run --help                          what else there is`);
  print(
    `    ./sendense-run validate plans                  plans to copy: nightly, weekly, pruning, verification, restore`,
  );
  print(
    `    npm run quickstart -- --keep                   keeps the folder: then \`plan nightly.yaml\` in it, and more runs`,
  );
  print(
    `    npm run quickstart -- --web                    a hub with a few days of history, and its page in the browser`,
  );
  print(`    examples/ and docs/                            small examples, and what every page explains`);
}

/** Runs a command in the folder as a person would, output and all. */
async function command(argv: readonly [string, ...string[]]): Promise<void> {
  print(`\n  ${styleText('cyan', `$ ${argv.join(' ').replace(`${checkout}/`, './')}`)}`);
  const [file, ...args] = argv;
  const { exitCode } = await execa(file, args, { cwd: folder, stdio: 'inherit', reject: false });
  if (interrupted) throw new Error('stopped');
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}`);
}

function sendense(...args: string[]): Promise<void> {
  return command([program, ...args]);
}

/** The second of the three restore points, oldest first. */
async function middlePoint(): Promise<{ readonly id: string; readonly disk0: string }> {
  const { stdout } = await execa(program, ['list', '--json'], { cwd: folder });
  const { points } = JSON.parse(stdout) as {
    points: { backup_id: string; created: number; disks: { path: string }[] }[];
  };
  const point = points.toSorted((a, b) => a.created - b.created)[1];
  if (points.length !== 3 || !point) throw new Error(`expected 3 restore points, found ${points.length}`);
  const path = point.disks[0]?.path ?? '';
  return { id: point.backup_id, disk0: join(folder, 'repository', relative(join(folder, 'repository'), path)) };
}

async function expectFile(image: string, where: 'root' | 'data', path: string, expected: string): Promise<void> {
  const text = (await readGuestFile(image, where, path))?.trim();
  if (text !== expected) throw new Error(`${path} in ${image} is ${String(text)}, not ${expected}`);
  good(`${path} says “${expected}” again`);
}

async function printTree(base: string, names: readonly string[], depth = 1): Promise<void> {
  for (const name of names) {
    const path = join(base, name);
    const { blocks, size } = await stat(path);
    const entries = await readdir(path).catch(() => null);
    const label = `${'    '.repeat(depth)}${name}${entries ? '/' : ''}`;
    print(
      entries
        ? label
        : `${label.padEnd(64)} ${kib(blocks * 512).padStart(12)} ${dim(size > blocks * 1024 ? `of ${kib(size)}` : '')}`.trimEnd(),
    );
    if (entries) await printTree(path, entries.toSorted(), depth + 1);
  }
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024).toLocaleString('en')} KiB`;
}
