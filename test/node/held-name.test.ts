import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isHeld, tryToHold, untilOneIsFree } from '../../src/node/held-name.ts';
import { forThisUser, inStateFolder } from '../../src/node/held-places.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const uid = process.getuid?.() ?? 0;
const modules = join(import.meta.dirname, '../../src/node');

/** A process that holds the name; it says so once it does. */
async function otherHolder(stateDir: string) {
  const script = `import { tryToHold } from ${JSON.stringify(join(modules, 'held-name.ts'))};
    import { inStateFolder } from ${JSON.stringify(join(modules, 'held-places.ts'))};
    console.log(await tryToHold('link', inStateFolder(${JSON.stringify(stateDir)})) ? 'held' : 'no');
    setInterval(() => {}, 1000);`;
  const child = spawn(
    'unshare',
    ['--pid', '--net', '--fork', '--kill-child', process.execPath, '--input-type=module', '--eval', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(String(said)).toBe('held\n');
  return child;
}

test('what anybody can take on the machine takes no name from us', async () => {
  await using folder = await temporaryFolder();
  const stateDir = realpathSync(folder.path);
  const hash = createHash('sha256').update(stateDir).digest('hex').slice(0, 24);
  const server = createServer().listen(`\0sendense-${uid}-link-${hash}`);
  await once(server, 'listening');
  try {
    await using held = await tryToHold('link', inStateFolder(stateDir));
    expect(held).not.toBeNull();
  } finally {
    server.close();
  }
  // In a folder that everybody can write to.
  await writeFile(folder.file(`sendense-${uid}`), '');
  const place = forThisUser(folder.path);
  await using slot = await tryToHold('slot', place);
  expect(slot).not.toBeNull();
  expect(await tryToHold('slot', place)).toBeNull();
});

test('a process of another pid and network namespace holds it until it is killed', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const place = inStateFolder(folder.path);
  const child = await otherHolder(folder.path);
  expect([await isHeld('link', place), await tryToHold('link', place)]).toEqual([true, null]);
  const free = untilOneIsFree(['link'], place, undefined);
  child.kill('SIGKILL');
  await free;
  await expect.poll(() => isHeld('link', place)).toBe(false);
  await using held = await tryToHold('link', place);
  expect(held).not.toBeNull();
  expect(readdirSync(folder.file('held')), 'what the dead one left is gone').toHaveLength(2);
});

test('of many that want it at once one gets it, and nothing is left', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const place = forThisUser(folder.path);
  for (let round = 0; round < 10; round++) {
    const got = await Promise.all(Array.from({ length: 12 }, () => tryToHold('slot', place)));
    const held = got.filter((one) => one !== null);
    expect(held).toHaveLength(1);
    await held[0]?.[Symbol.asyncDispose]();
  }
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a state folder may have a long path', async () => {
  await using folder = await temporaryFolder();
  const stateDir = folder.file('x'.repeat(150));
  await mkdir(stateDir);
  for (let round = 0; round < 2; round++) {
    await using held = await tryToHold('link', inStateFolder(stateDir));
    expect(held).not.toBeNull();
    expect(await isHeld('link', inStateFolder(stateDir))).toBe(true);
  }
  expect(await isHeld('link', inStateFolder(stateDir))).toBe(false);
});
