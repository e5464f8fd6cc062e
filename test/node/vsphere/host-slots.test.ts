import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { takeHostSlot } from '../../../src/node/vsphere/host-slots.ts';

const someHost = (): string => `esx-${randomUUID()}.example.com`;

test('as many as the limit says at a time, and the next one when one is given back', async () => {
  const host = someHost();
  const first = await takeHostSlot({ host, limit: 2 });
  await using _second = await takeHostSlot({ host, limit: 2 });
  const waits = Promise.withResolvers<void>();
  let taken = false;
  const third = takeHostSlot({ host: host.toUpperCase(), limit: 2, onWait: () => waits.resolve() }).then((slot) => {
    taken = true;
    return slot;
  });
  await waits.promise;
  expect(taken).toBe(false);
  await first[Symbol.asyncDispose]();
  await using _third = await third;
  await using _other = await takeHostSlot({ host: someHost(), limit: 1 });
});

test('many that wait for one slot get it one after the other', async () => {
  const host = someHost();
  let [now, most] = [0, 0];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using _slot = await takeHostSlot({ host, limit: 3 });
      most = Math.max(most, ++now);
      await delay(50);
      now--;
    }),
  );
  expect(most).toBe(3);
});

test('waiting ends with the signal', async () => {
  const host = someHost();
  await using _slot = await takeHostSlot({ host, limit: 1 });
  const control = new AbortController();
  const waiting = takeHostSlot({
    host,
    limit: 1,
    signal: control.signal,
    onWait: () => control.abort(new Error('stop')),
  });
  await expect(waiting).rejects.toThrow('stop');
});

test('a slot is free when its owner is killed', async () => {
  const host = someHost();
  const module = join(import.meta.dirname, '../../../src/node/vsphere/host-slots.ts');
  const script = `import { takeHostSlot } from ${JSON.stringify(module)};
    await takeHostSlot({ host: ${JSON.stringify(host)}, limit: 1 }); console.log('taken'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const waiting = takeHostSlot({ host, limit: 1, onWait: () => child.kill('SIGKILL') });
  await using _slot = await waiting;
  expect(child.killed).toBe(true);
});
