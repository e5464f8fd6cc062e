/** The way between hub and node, or between node and vCenter, breaks while a VM is restored in place. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningNode } from '../../src/node/start-node.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { until } from '../node/support.ts';
import { randomBytes } from '../support/random.ts';
import { farNode, inTheMiddle, type FarNode } from './far-node.ts';
import { isTorn, MiB } from './vsphere-workspace.ts';

const timeout = 600_000;
/** Longer than whoever cleans up waits for a vCenter, ms. */
const awayMs = 10_000;

let far: FarNode;
let node: RunningNode;
let truth: Buffer[];

const contents = (): Promise<Buffer[]> => Promise.all(far.vm.disks.map(({ flatFile }) => readFile(flatFile)));

beforeAll(async () => {
  // The hub gives a node up after the time of `reconnect` and half a minute.
  far = await farNode({ gate: true, settings: ['transfer: { reconnect: 1s }'] });
  node = await far.start();
  await far.vm.power('off');
  truth = await contents();
}, timeout);
afterAll(async () => {
  await node?.close();
  await far?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await far.link.mend();
  await far.at.vcenter.vddkFault();
  await far.at.vcenter.clearFaults();
  await far.vm.write(0, 0, randomBytes(3 * MiB));
});

const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--in-place', '--node', 'esx'];
const restore = () => far.at.work.call([...words, '--no-safety-backup']);

async function expectDone(restored: ReturnType<typeof restore>): Promise<void> {
  const done = await restored;
  expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
  expect((await contents()).map((now, disk) => now.equals(truth[disk] ?? Buffer.alloc(0)))).toEqual([true, true]);
  expect(await isTorn(far.at, far.vm)).toBe(false);
}

/** That it failed with a plain error, that nobody takes the VM for a whole one, and that the same command makes it one. */
async function expectTornUntilRepeated(
  restored: ReturnType<typeof restore>,
  { code, told }: { readonly code: string; readonly told: string },
): Promise<void> {
  const failed = await restored;
  // 1 where whoever cleaned up found the other side again.
  expect([1, 16], failed.stderr).toContain(failed.exitCode);
  expect(failed.stderr).toMatch(new RegExp(`error +${code.replace('.', String.raw`\.`)}: `));
  expect(failed.stderr.replaceAll(/\s+/g, ' ')).toContain(told);
  await far.at.vcenter.vddkFault();
  // A vCenter that was away comes back by itself.
  const torn = (): Promise<boolean | null> => isTorn(far.at, far.vm).catch(() => null);
  await expect.poll(torn, { timeout: 60_000, interval: 500 }).not.toBeNull();
  expect(await torn()).toBe(true);
  expect(await far.vm.powerState()).toBe('poweredOff');
  expect((await far.at.run('nightly.yaml')).finished.error).toMatchObject({ code: 'source.half_restored' });
  await far.link.mend();
  await expectDone(restore());
}

const inPart = 'the VM pgtest1 in vSphere (127.0.0.1) is restored in part: ';

describe('the link between hub and node is cut in the middle', { timeout }, () => {
  test('for two seconds: the restore goes on', async () => {
    await far.at.vcenter.vddkFault({ 'slow-ms': 500 });
    const restored = restore();
    await inTheMiddle(far);
    await far.link.cut();
    await delay(2000);
    await far.link.mend();
    await expectDone(restored);
  });

  test('until the hub gives up: the VM stays marked and off, and the same command completes it', async () => {
    await far.at.vcenter.vddkFault({ 'slow-ms': 500 });
    const restored = restore();
    await inTheMiddle(far);
    await far.link.cut();
    await expectTornUntilRepeated(restored, {
      code: 'node.unreachable',
      told: `nobody knows whether ${inPart}do not start it`,
    });
  });
});

describe('the link between node and vCenter is cut', { timeout }, () => {
  /** From now on, for so long: connections end, and new ones are refused. */
  async function leave(): Promise<void> {
    await using vsphere = await connectVsphere({ ...far.at.vcenter, ca: null });
    await far.at.vcenter.fault('away', { for: 'CurrentTime', ms: awayMs, count: 1 });
    await vsphere.clockOffset(AbortSignal.timeout(1000)).catch(() => undefined);
  }

  test('in the middle: the VM stays marked and off, and the same command completes it', async () => {
    // The stand-in of VMware's library has no connection: it fails after two of three megabytes, in whatever order they come.
    await far.at.vcenter.vddkFault({ 'slow-ms': 500, 'write-error-after': 2 * MiB });
    const before = (await far.at.vcenter.writes()).length;
    const restored = restore();
    await until(async () => (await far.at.vcenter.writes()).length > before, 'something is written');
    await leave();
    await expectTornUntilRepeated(restored, { code: 'transport.failed', told: inPart });
  });

  test('when it was decided what to write: the mark that is there is taken away by the next run', async () => {
    await far.at.vcenter.fault('away', { for: 'ReconfigVM_Task', ms: awayMs, count: 1, after: 1 });
    const failed = await restore();
    expect(failed, failed.stderr).toMatchObject({ exitCode: 16 });
    await expect.poll(() => isTorn(far.at, far.vm).catch(() => null), { timeout: 60_000, interval: 500 }).toBe(false);
    await expectDone(restore());
  });

  test('at the end, when the mark is to go: the disks are whole, the mark stays, and the same command takes it', async () => {
    await far.at.vcenter.fault('away', { for: 'ReconfigVM_Task', ms: awayMs, count: 1, after: 2 });
    await expectTornUntilRepeated(restore(), { code: 'vsphere.unreachable', told: 'sendense-run recover' });
  });
});
