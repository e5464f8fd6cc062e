import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** What a bare Debian has. */
const basic =
  'sh cat cut dirname env find flock grep id ln mkdir mv printf readlink rm sed sha256sum sleep sort touch tr uname'.split(
    ' ',
  );
const table =
  'qemu-img qemu-nbd qemu-io nbdkit nbdcopy nbdinfo cmp ss linux.uml bwrap busybox qemu-storage-daemon cc'.split(' ');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout in a temporary folder and a PATH of its own, whose npm, node and apt-get only write down what they do. */
export interface FakeMachine extends Disposable {
  readonly checkout: string;
  /** Calls of npm and apt-get, one a line. */
  calls(): string[];
  program(name: string, text: string): void;
  remove(...names: string[]): void;
  run(args: readonly string[], options?: { cwd?: string; program?: string }): Promise<Result>;
}

export function fakeMachine(nodeVersion: string): FakeMachine {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'));
  const bin = join(folder, 'bin');
  const checkout = join(folder, 'checkout');
  const log = join(folder, 'calls');
  mkdirSync(bin);
  mkdirSync(join(checkout, 'src/cli'), { recursive: true });
  mkdirSync(join(checkout, 'schemas'));
  for (const name of [
    'setup.sh',
    'sendense-run',
    'sendense-node',
    'sendense-backup-client',
    'src/cli/checkout.sh',
    'rolldown.config.ts',
    'package-lock.json',
  ]) {
    cpSync(join(root, name), join(checkout, name));
  }
  mkdirSync(join(checkout, 'packaging'));
  cpSync(join(root, 'packaging/build.sh'), join(checkout, 'packaging/build.sh'));
  writeFileSync(log, '');

  const program = (name: string, text: string): void => {
    rmSync(join(bin, name), { force: true });
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of basic) symlinkSync(join('/usr/bin', name), join(bin, name));
  for (const name of table) program(name, 'exit 0');
  program(
    'node',
    `case $1 in --version) echo ${nodeVersion} ;; -p) echo ${join(bin, 'node')} ;; *) echo "system node: $*" ;; esac`,
  );
  program('fake-node', 'case $1 in --version) echo v24.99.0 ;; *) echo "brought node: $*" ;; esac');
  program(
    'npm',
    `echo "npm $*" >>${log}
case $1 in
  ci) [ "$2" != --prefix ] || {
      name=$(sed -n 's/.*"\\(node-linux-[a-z0-9]*\\)": .*/\\1/p' $3/package.json)
      mkdir -p $3/node_modules/$name/bin && cat ${join(bin, 'fake-node')} >$3/node_modules/$name/bin/node && /bin/chmod +x $3/node_modules/$name/bin/node
      exit
    }
    rm -rf node_modules && mkdir node_modules ;;
  run) mkdir -p dist && touch dist/.built ;;
esac`,
  );
  program('apt-get', `echo "apt-get $*" >>${log}`);

  return {
    checkout,
    calls: () => readFileSync(log, 'utf8').trim().split('\n').filter(Boolean),
    program,
    remove: (...names) => {
      for (const name of names) rmSync(join(bin, name));
    },
    run: (args, options = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(options.program ?? join(checkout, 'setup.sh'), args, {
          cwd: options.cwd ?? folder,
          env: { PATH: bin, HOME: folder, SENDENSE_TEST_RUN: process.env['SENDENSE_TEST_RUN'] ?? '' },
          stdio: ['ignore', 'pipe', 'pipe'],
          timeout: 300_000,
        });
        const said = { stdout: '', stderr: '' };
        child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
        child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
        child.on('error', reject).on('close', (code) => resolve({ code: code ?? -1, ...said }));
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
