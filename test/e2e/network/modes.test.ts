/** One plan, five ways between hub and node, the node behind NAT: full, incremental, restored and compared. */
import { expect, test } from 'vitest';
import { allModes, openSite } from './site.ts';
import { expectSuccess, makeVm } from './vm.ts';
import { all } from '../../support/rounds.ts';

const ways = [
  // ../dial-node.test.ts has that one with all that can go wrong.
  ...allModes.filter((mode) => all || mode !== 'dial-node').map((mode) => ({ mode, program: undefined })),
  ...(all ? [{ mode: 'built-in', program: 'ssh2' } as const] : []),
] as const;

test.each(ways)(
  '$mode $program: full, incremental, restored; nothing is left on either side',
  { timeout: 300_000 },
  async ({ mode, program }) => {
    await using site = await openSite(mode, program ? { program } : {});
    const vm = await makeVm(site);
    for (const expected of ['full', 'incremental'] as const) {
      expectSuccess(await vm.back(), expected);
      // What the incremental shows is built on the full.
      if (all || expected === 'incremental') await vm.expectRestored();
      await site.expectNothingLeft();
      await vm.change(2);
    }
    if (mode === 'built-in' || mode === 'openssh') {
      const doctor = await site.nodes[0].call(['doctor', '--json']);
      expect(doctor, doctor.stdout).toMatchObject({ exitCode: 0 });
      expect(doctor.stdout).toMatch(new RegExp(`up since [^"]*, ${program ?? 'openssh'}`));
    }
  },
);
