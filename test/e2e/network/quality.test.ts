/**
 * Bad lines: the backup works, and the bytes are the same. By default one line that has it all; with `npm run test:all` each fault
 * alone and together, in each mode.
 */
import { describe, expect, test } from 'vitest';
import type { LineQuality } from '../../simulators/network/line.ts';
import { modes, openSite, type Mode } from './site.ts';
import { all } from '../../support/rounds.ts';
import { expectSuccess, makeVm } from './vm.ts';

const worst: LineQuality = { lossPercent: 1, rttMs: 50, mbitPerSecond: 10 };
const lines: readonly LineQuality[] = [
  { lossPercent: 1 },
  { rttMs: 50 },
  { rttMs: 200 },
  { mbitPerSecond: 10 },
  worst,
  { ...worst, rttMs: 200 },
];

describe.each<Mode>(all ? modes : ['built-in'])('%s', (mode) => {
  test.each(all ? lines : [worst])('over a line with %o', { timeout: 300_000 }, async (line) => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, { mib: all ? 8 : 2 });
    await site.net.line.set(line);
    expectSuccess(await vm.back(), 'full');
    await vm.change(1);
    expectSuccess(await vm.back(), 'incremental');
    await vm.expectRestored();
    await site.expectNothingLeft();
    expect(await site.work.call(['check'])).toMatchObject({ exitCode: 0 });
  });
});
