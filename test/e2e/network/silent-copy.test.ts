/**
 * The line between hub and node goes silent while nbdcopy, which has no limit of its own, writes the disks of a new VM. The restore goes on
 * if the line comes back soon. If not, the node ends nbdcopy long before its job ends.
 */
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { argvOf } from '../../../src/host/programs/process-identity.ts';
import { MiB } from '../vsphere-workspace.ts';
import { patience } from './site.ts';
import { openVcenterScene, silences, type VcenterScene } from './vcenter-scene.ts';

const timeout = 1_200_000;
/** The server is silent for 60 s, then the copy stands still for 60 s; room for a busy machine, ms. */
const mostMs = 200_000;

let scene: VcenterScene;

beforeAll(async () => {
  // The node's job would live for twenty minutes.
  scene = await openVcenterScene('far', ['transfer: { reconnect: 10m }']);
}, timeout);
afterAll(() => scene?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await scene.line.restore();
  await scene.at.vcenter.vddkFault({ 'slow-ms': 300 });
});

/** Programs at the node that copy disks, or serve them. */
async function copying(): Promise<string[]> {
  const { stdout } = await execa('ip', ['netns', 'pids', scene.far.namespace]);
  const programs = stdout.split('\n').filter(Boolean);
  return programs.flatMap((pid) => argvOf(Number(pid))[0] ?? []).filter((name) => /nbdcopy|nbdkit|qemu-nbd/.test(name));
}

test.each(silences)('a new VM by VDDK, silent for $ms ms (null: for long)', { timeout }, async ({ ms }) => {
  const { at, line } = scene;
  const name = ms === null ? 'back-later' : 'back-soon';
  await at.work.write(
    'new.yaml',
    `kind: restore\nname: new\nvm: { name: pgtest1 }\nrepository: primary\nto: { vsphere: test-vcenter, name: ${name}, node: far }\n`,
  );
  const began = performance.now();
  // The hub waits for ten minutes; the node has ended its copy by then, and says so when the line is back.
  const running = scene.silenced('new.yaml', 2 * MiB, ms);
  if (ms === null) {
    await expect.poll(copying, { ...patience, timeout }).toContainEqual(expect.stringContaining('nbdcopy'));
    await expect.poll(copying, { timeout, interval: 1000 }).toEqual([]);
    expect(performance.now() - began).toBeLessThan(mostMs);
    await line.restore();
    const { finished, warnings } = await running;
    const said = JSON.stringify(finished);
    expect(finished, said).toMatchObject({ status: 'failed', error: { code: 'nbd.lost' } });
    expect(finished.error?.message, said).toContain('10.77.0.1');
    expect(warnings, said).toContain(`the VM ${name} stays in vSphere`);
  } else {
    const { exitCode, finished } = await running;
    // 3: the run may tell of the break in a warning.
    expect([0, 3], JSON.stringify(finished)).toContain(exitCode);
  }
  await at.vcenter.vddkFault();
  if (ms === null) expect(await at.run('new.yaml')).toMatchObject({ exitCode: 0 });
  await scene.expectWhole(name);
  await expect.poll(copying, patience).toEqual([]);
});
