/** A device on the way drops packets of full size and does not say so: doctor and the run name it. */
import { expect, test } from 'vitest';
import { all } from '../../support/rounds.ts';
import { openSite, type Mode, type Site } from './site.ts';
import { makeVm } from './vm.ts';

const blackHole = (site: Site): Promise<unknown> =>
  site.net.router.run(
    'nft',
    'table ip hole { chain between { type filter hook forward priority -10; ip length > 1400 drop; }; }',
  );

test.each<Mode>(all ? ['built-in', 'openssh', 'direct', 'dial-node'] : ['built-in'])(
  '%s: small packets pass, and large ones do not',
  { timeout: 300_000 },
  async (mode) => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, { mib: 1 });
    const [node] = site.nodes;
    const dials = mode === 'built-in' || mode === 'openssh';
    const looked = async (): Promise<string | undefined> => {
      const { stdout } = await node.call(['doctor', '--json']);
      const { checks } = JSON.parse(stdout) as { checks: { id: string; result: string; remedy: string | null }[] };
      const found = checks.find(({ id }) => id === 'mtu');
      if (found?.result === 'fail') expect(found.remedy).toContain('ping -M do -s 1472 HUB');
      return found?.result;
    };
    // In the other modes the node does not know its hub.
    expect(await looked()).toBe(dials ? 'ok' : undefined);
    await blackHole(site);
    expect(await looked()).toBe(dials ? 'fail' : undefined);
    const { finished } = await vm.back();
    expect(finished).toMatchObject({
      status: 'failed',
      exit_code: 75,
      error: {
        message: expect.stringMatching(/none of 6000 bytes: the line loses packets of full size \(MTU\)/) as string,
        remedy: expect.stringContaining('ping -M do') as string,
      },
    });
    await site.net.router.run('nft', 'delete table ip hole');
    expect((await vm.back()).finished).toMatchObject({ status: 'succeeded' });
    await site.expectNothingLeft();
  },
);
