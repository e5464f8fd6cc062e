/** The line goes silent and stays so: nothing arrives, and nobody is told. The run notices, says so, and can be repeated. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { settle, whenMoved } from './settle.ts';
import { openSite, type Mode } from './site.ts';
import { expectSuccess, makeVm } from './vm.ts';

/** `reconnect`, 30 s more, what one question may take, and room for a busy machine, ms. */
const mostMs = 150_000;

test.each<Mode>(['direct', 'tls'])(
  'a backup on a line that stays silent fails in time with the name of the node, and can be repeated: %s',
  { timeout: 600_000 },
  async (mode) => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, { mib: 12, more: 'limits: { jobRate: 4MiB }\ntransfer: { reconnect: 2s }\n' });
    let [cutAt, failedAt] = [0, 0];
    const moved = whenMoved(0.2, () => {
      cutAt = performance.now();
      void site.net.line.cut();
    });
    const outcome = await vm.watch((event) => {
      moved(event);
      if (event.type !== 'step.failed' || failedAt > 0) return;
      failedAt = performance.now();
      // The run cleans up with the line back.
      void site.net.line.restore();
    });
    expect(cutAt, JSON.stringify(outcome.finished)).toBeGreaterThan(0);
    expect(failedAt - cutAt, JSON.stringify(outcome.finished)).toBeLessThan(mostMs);
    expect(failedAt).toBeGreaterThan(cutAt);
    expect(outcome.finished.error, JSON.stringify(outcome.finished)).toMatchObject({
      code: expect.stringMatching(/^(nbd\.lost|node\.unreachable)$/) as string,
      message: expect.stringContaining('site-1') as string,
    });
    await settle(site, vm, outcome);
  },
);

test('a backup goes on after a silence in which every connection of it has ended', { timeout: 600_000 }, async () => {
  await using site = await openSite('direct');
  const vm = await makeVm(site, { mib: 12, more: 'limits: { jobRate: 4MiB }\ntransfer: { reconnect: 120s }\n' });
  let silence: Promise<void> | null = null;
  const outcome = await vm.watch(
    whenMoved(0.2, () => {
      silence = site.net.line
        .cut()
        .then(() => delay(30_000))
        .then(() => site.net.line.restore());
    }),
  );
  expect(silence, JSON.stringify(outcome.finished)).not.toBeNull();
  await silence;
  // 3: the run tells of the break in a warning.
  expectSuccess(outcome, 'full', [0, 3]);
  await vm.expectRestored();
  await site.expectNothingLeft();
});
