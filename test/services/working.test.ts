import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const script = readFileSync(join(import.meta.dirname, '../../packaging/deb/scripts/sendense-common.prerm'), 'utf8');
const works = script.slice(script.indexOf('works() {'), script.indexOf('case $1 in'));
const library = '/usr/lib/sendense';

/** Whether the package says of a process with these words that it must not lose its files. */
function keeps(words: readonly string[]): boolean {
  const input = `${words.join('\n')}\n`;
  const shell = `set -e\n${works}\nif works; then echo yes; else echo no; fi`;
  return execFileSync('sh', ['-c', shell], { input, encoding: 'utf8' }).trim() === 'yes';
}

const run = [`${library}/node/bin/node`, `${library}/dist/cli/sendense-run.js`];

test.each([
  [[...run, 'nightly.yaml']],
  [[...run, '--config', '/etc/sendense/sendense.yaml', 'run', 'nightly.yaml']],
  [[...run, '-c', 'node', 'restore', 'web1']],
  [[...run, '--config=/etc/sendense/sendense.yaml', 'verify']],
  [[...run, 'schedule', 'run-slot', 'web1', '1', 'r']],
  [[`${library}/node/bin/node`, `${library}/dist/cli/sendense-backup-client.js`, '--checked']],
])('waits for the end of %j', (words) => expect(keeps(words)).toBe(true));

test.each([
  [[...run, 'daemon', '/etc/sendense/plans']],
  [[...run, '--config', '/etc/sendense/sendense.yaml', 'node', 'link', 'branch', '--key', 'ssh-ed25519 AAAA']],
  [[...run, '--quiet', '-c', '/etc/sendense/sendense.yaml', 'hub']],
  [[...run, 'files', 'keep', '--service', '--config', '/etc/sendense/sendense.yaml']],
  [['/usr/bin/node', '/home/me/sendense/dist/cli/sendense-run.js', '--config', 'x', 'node', 'link', 'branch']],
  [['/usr/bin/vi', 'x', `${library}/dist/cli/sendense-run.js `, 'nightly.yaml']],
  [['bash']],
])('does not wait for %j', (words) => expect(keeps(words)).toBe(false));
