/** Names that everybody on a machine can take before us stop nothing. */
import { execa } from 'execa';
import { chmodSync, chownSync, mkdirSync, mkdtempDisposableSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backupPlan, makeRaw, program, restorePlan, workspace } from './workspace.ts';

const MiB = 1024 * 1024;
const uid = process.getuid?.() ?? 0;

test(
  'somebody else has /tmp/sendense-<uid>: backup, list, verify, restore and rescue work',
  { timeout: 300_000 },
  async () => {
    await using work = await workspace();
    // Short: there are sockets in it.
    using folder = mkdtempDisposableSync('/tmp/s-');
    const temporary = folder.path;
    const taken = `sendense-${uid}`;
    mkdirSync(`${temporary}/${taken}`, { recursive: true });
    chmodSync(temporary, 0o1777);
    if (uid === 0) chownSync(`${temporary}/${taken}`, 65_534, 65_534);
    await makeRaw(work.path('disk0.raw'), 4 * MiB, [[0, MiB]]);
    await work.write('backup.yaml', backupPlan(['disk0.raw']));
    await work.write('restore.yaml', restorePlan('./restored'));
    for (const args of [
      ['run', 'backup.yaml', '--dry-run'],
      ['run', 'backup.yaml'],
      ['run', 'backup.yaml'],
      ['list'],
      ['verify'],
      ['run', 'restore.yaml'],
      ['restore', 'pgtest1', '--repository', './repository', '--to', './rescued'],
      ['recover'],
    ]) {
      const ran = await execa(process.execPath, [program, ...args], {
        cwd: work.folder,
        reject: false,
        timeout: 300_000,
        env: { NO_COLOR: '1', TMPDIR: temporary },
      });
      expect(ran.exitCode, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(0);
      expect(readdirSync(temporary), args.join(' ')).toEqual([taken]);
    }
    expect(readdirSync(`${temporary}/${taken}`)).toEqual([]);
  },
);
