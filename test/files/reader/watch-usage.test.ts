import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { userModeLinux as kind } from '../../../src/files/reader/kinds/user-mode-linux.ts';
import { sandboxWords } from '../../../src/files/reader/sandbox.ts';
import { startReader } from '../../../src/files/reader/start-reader.ts';
import { usualBounds, watchUsage, type ReaderBounds } from '../../../src/files/reader/watch-usage.ts';
import { removeTree } from '../../../src/host/files/files.ts';
import { treeUsage } from '../../../src/host/programs/tree-usage.ts';
import { processesNaming } from '../../support/processes.ts';
import { canRead } from '../reader-of.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'w-'));
});
afterEach(() => removeTree(folder));

const bounds: ReaderBounds = { ...usualBounds, askedCpuMs: 1000, idleCpuMs: 1000, outBytes: 64 * 2 ** 20 };

const usualTime: ReaderBounds = { ...usualBounds, outBytes: bounds.outBytes };

/** A guest whose first program is this one: what somebody does who has taken the guest over. */
async function hostileGuest(init: string, asked: boolean, most = bounds): Promise<string> {
  const own = join(folder, 'r');
  for (const name of ['in', 'out']) await mkdir(join(own, name), { recursive: true, mode: 0o777 });
  await chmod(join(own, 'out'), 0o777);
  for (const [name, text] of [
    ['init', init],
    ['main', kind.scripts['main'] ?? ''],
  ] as const)
    await writeFile(join(own, name), text, { mode: 0o755 });
  const parts = kind.sandbox({ slots: 1, memoryMiB: 128, scratchMiB: 64, as: null });
  const words = sandboxWords({ kind, parts, folder: own, as: null });
  const child = spawn('bwrap', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  // Only then has everybody in the sandbox ended.
  const ended = once(child, 'close');
  for (const output of [child.stdout, child.stderr]) output.resume();
  const said = await new Promise<string>((resolve) => {
    const watched = {
      pid: child.pid ?? 0,
      out: join(own, 'out'),
      work: () => ({ asked, answers: 0 }),
      onExcess: resolve,
    };
    watchUsage(watched, most);
  });
  child.kill('SIGKILL');
  await ended;
  expect(treeUsage(child.pid ?? 0).processes).toBe(0);
  return said;
}

describe.skipIf(!canRead)('a guest that was taken over', { timeout: 300_000 }, () => {
  test.each([
    [true, /s of processor time for one answer/],
    [false, /s of processor time that nobody asked for/],
  ])('and burns processor time is told of (asked: %s)', async (asked, words) => {
    expect(await hostileGuest('#!/bin/sh\nwhile :; do :; done\n', asked)).toMatch(words);
  });

  test('and writes without end is told of, long before the disk is full', async () => {
    const write =
      '#!/bin/sh\nat=0\nwhile :; do at=$((at + 1)); busybox dd if=/dev/zero of=/out/$at bs=1M count=4; done\n';
    expect(await hostileGuest(write, true, usualTime)).toMatch(/MiB written and not taken, of 64 MiB/);
  });

  test('and makes folders is told of', async () => {
    const makeFolder = '#!/bin/sh\nbusybox mkdir /out/a\nwhile :; do busybox sleep 1; done\n';
    expect(await hostileGuest(makeFolder, false, usualTime)).toContain('written');
  });
});

test.skipIf(!canRead)(
  'a reader that uses too much ends with an error of its own, and leaves nothing',
  async () => {
    const own = join(folder, 'r');
    await mkdir(own, { mode: 0o711 });
    const started = startReader({ folder: own, bounds: { ...bounds, memoryBytes: 1 } });
    await expect(started).rejects.toMatchObject({ code: 'files.excess' });
    expect(processesNaming(own)).toEqual([]);
  },
  300_000,
);

test('processor time and memory of a process are counted with those that it has started', async () => {
  const child = spawn('sh', ['-c', 'sh -c "while :; do :; done" & wait'], { stdio: 'ignore', detached: true });
  try {
    await expect.poll(() => treeUsage(child.pid ?? 0).cpuMs, { timeout: 200_000 }).toBeGreaterThan(200);
    const { processes, bytes } = treeUsage(child.pid ?? 0);
    expect(processes).toBe(2);
    expect(bytes).toBeGreaterThan(50_000);
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
  }
});
