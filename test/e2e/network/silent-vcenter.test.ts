/**
 * The line between node and vCenter goes silent in the middle of a restore: nothing arrives, and nobody is told. The restore goes on if
 * the line comes back soon. If not, it ends with a plain error, and the same command completes it.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { randomBytes } from '../../support/random.ts';
import { MiB } from '../vsphere-workspace.ts';
import type { RunOutcome } from '../workspace.ts';
import { openVcenterScene, silences, type SilencedRun, type VcenterScene } from './vcenter-scene.ts';

const timeout = 1_200_000;
/** All waits of node and hub, one after the other, and room for a busy machine, ms. */
const mostMs = 600_000;

let scene: VcenterScene;

beforeAll(async () => {
  scene = await openVcenterScene('embedded');
}, timeout);
afterAll(() => scene?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await scene.line.restore();
  await scene.line.set({});
  await scene.at.vcenter.vddkFault();
});

/** That it ended in time, with the name of the vCenter and the way out, and that `recover` ends when the line is back. */
async function expectToldAndRecovered({ exitCode, finished, tookMs }: SilencedRun): Promise<void> {
  const said = JSON.stringify(finished);
  expect(exitCode, said).toBe(16);
  expect(tookMs, said).toBeLessThan(mostMs);
  expect(finished.error, said).toMatchObject({
    code: 'vsphere.unreachable',
    message: expect.stringContaining('10.77.0.2') as string,
    remedy: expect.stringContaining('state of vCenter') as string,
  });
  expect(JSON.stringify(finished.undo_errors)).toContain('sendense-run recover');
  await scene.line.restore();
  await scene.line.set({});
  const recovered = await scene.at.work.call(['recover']);
  expect(recovered, recovered.stderr).toMatchObject({ exitCode: 0 });
}

const expectDone = ({ exitCode, finished, stderr }: RunOutcome): void =>
  expect(exitCode, JSON.stringify(finished) + stderr).toBe(0);

const sentBytes = ({ finished }: RunOutcome): number[] =>
  finished.disks.map((disk) => ('bytes_transferred' in disk ? (disk.bytes_transferred ?? 0) : 0));

test.each(silences)(
  'a new VM by an import lease, silent for $ms ms (null: to the end)',
  { timeout },
  async ({ ms }) => {
    const { at, line } = scene;
    const name = ms === null ? 'back-later' : 'back-soon';
    await at.work.write(
      'new.yaml',
      `kind: restore\nname: new\nvm: { name: pgtest1 }\nrepository: primary\nto: { vsphere: without-vddk, name: ${name} }\n`,
    );
    await line.set({ mbitPerSecond: 32 });
    const outcome = await scene.silenced('new.yaml', 6 * MiB, ms);
    if (ms === null) {
      await expectToldAndRecovered(outcome);
      const again = await at.run('new.yaml');
      expectDone(again);
      // The first disk came whole, and is not sent again.
      expect(sentBytes(again)).toEqual([0, 24 * MiB]);
    } else expectDone(outcome);
    await scene.expectWhole(name);
  },
);

test.each(silences)('in place, silent for $ms ms (null: to the end)', { timeout }, async ({ ms }) => {
  const { at, line, vm } = scene;
  await at.work.write(
    'old.yaml',
    'kind: restore\nname: old\nvm: { name: pgtest1 }\nrepository: primary\nto: { inPlace: test-vcenter, safetyBackup: false }\n',
  );
  await vm.write(1, 0, randomBytes(8 * MiB));
  // The stand-in of VMware's library has no connection: where the line stays silent, it fails by this.
  await at.vcenter.vddkFault({ 'slow-ms': 500, ...(ms === null ? { 'write-error-after': 3 * MiB } : {}) });
  const outcome = await scene.silenced('old.yaml', 0, ms);
  if (ms === null) {
    const said = JSON.stringify(outcome.finished);
    expect(outcome.exitCode, said).toBe(16);
    expect(outcome.tookMs, said).toBeLessThan(mostMs);
    expect(outcome.warnings).toMatch(
      /the VM pgtest1 in vSphere \(10\.77\.0\.2\) is restored in part: do not start it\. When it can be reached again, run the same restore/,
    );
    await line.restore();
    expect((await at.run('nightly.yaml')).finished.error).toMatchObject({ code: 'source.half_restored' });
    await at.vcenter.vddkFault();
    expectDone(await at.run('old.yaml'));
  } else expectDone(outcome);
  await scene.expectWhole('pgtest1');
  expect(await vm.powerState()).toBe('poweredOff');
});
