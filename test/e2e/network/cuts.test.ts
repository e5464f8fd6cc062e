/**
 * The line is cut at a random moment of a full and of an incremental run: nothing arrives, and nobody is told. By default 1 s and
 * 10 s; with `npm run test:all` 1, 10 and 60 s in each mode, with a `reconnect` that is longer and one that is shorter.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunOutcome } from '../workspace.ts';
import { settle, someMoment, whenMoved } from './settle.ts';
import { modes, openSite, type Mode, type Site } from './site.ts';
import { all } from '../../support/rounds.ts';
import { expectSuccess, makeVm, type TestVm } from './vm.ts';

/** What a run does beside the copy. */
const steps = [
  'hub.preflight',
  'node.inspect',
  'ports.allocate',
  'nbd.serve',
  'node.transfer',
  'nbd.stop',
  'backup.commit',
];

/** A run during which the line is cut, once, for so long. */
async function cutDuring(site: Site, vm: TestVm, seconds: number, step?: string): Promise<RunOutcome> {
  let cut: Promise<void> | null = null;
  const act = (): void => {
    cut = site.net.line
      .cut()
      .then(() => delay(seconds * 1000))
      .then(() => site.net.line.restore());
  };
  const outcome = await vm.watch(
    step === undefined
      ? whenMoved(someMoment(), act)
      : (event) => void (event.type === 'step.started' && event.uses === step && act()),
  );
  expect(cut, JSON.stringify(outcome.finished)).not.toBeNull();
  await cut;
  return outcome;
}

const slow = 'limits: { jobRate: 4MiB }\n';

describe.each<Mode>(all ? modes : ['built-in'])('%s', (mode) => {
  test.each(
    all
      ? [
          [1, 1],
          [10, 10],
          [60, 60],
        ]
      : [[1, 10]],
  )(
    'cuts of %d s in a full and of %d s in an incremental run are got over',
    { timeout: 600_000 },
    async (inFull, inIncremental) => {
      await using site = await openSite(mode);
      const vm = await makeVm(site, { mib: 12, more: `${slow}transfer: { reconnect: 120s }\n` });
      // 3: the run tells of the break in a warning.
      expectSuccess(await cutDuring(site, vm, inFull), 'full', [0, 3]);
      await vm.expectRestored();
      await site.expectNothingLeft();
      await vm.change(8);
      const outcome = await cutDuring(site, vm, inIncremental);
      expectSuccess(outcome, 'incremental', [0, 3]);
      await settle(site, vm, outcome);
    },
  );

  if (!all) return;
  test('a cut that is longer than `reconnect` fails cleanly', { timeout: 600_000 }, async () => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, { mib: 12, more: `${slow}transfer: { reconnect: 2s }\n` });
    for (let round = 0; round < 2; round++) {
      const outcome = await cutDuring(site, vm, 60);
      expect(outcome.finished.error, JSON.stringify(outcome.finished)).toMatchObject({
        code: expect.stringMatching(/^(nbd\.lost|node\.unreachable|ssh\.)/) as string,
      });
      await settle(site, vm, outcome);
      await vm.change(8);
    }
  });

  test('cuts of 10 s as each step begins do no harm', { timeout: 1_200_000 }, async () => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, { mib: 2 });
    for (const step of steps) {
      const outcome = await cutDuring(site, vm, 10, step);
      console.log(`${step}: exit ${outcome.exitCode} ${outcome.finished.error?.code ?? ''}`);
      expect([0, 1, 3, 16, 75], JSON.stringify(outcome.finished)).toContain(outcome.exitCode);
      await settle(site, vm, outcome);
    }
  });
});
