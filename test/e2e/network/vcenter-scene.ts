import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RunEvent } from '../../../src/schemas/types.ts';
import { programs } from '../../programs.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { addInterface, hostNames, makeHost, type TestHost } from '../../simulators/network/host.ts';
import { knowEachOther, layLine, type Line } from '../../simulators/network/line.ts';
import type { SimulatedVm } from '../../simulators/vcenter/simulated-vm.ts';
import { randomBytes } from '../../support/random.ts';
import { enough } from '../../support/rounds.ts';
import { MiB, vsphereWorkspace, withoutVddk, type VsphereWorkspace } from '../vsphere-workspace.ts';
import type { RunOutcome } from '../workspace.ts';
import { startService } from './service.ts';
import { watchRun } from './watch-run.ts';

/** Longer than keep-alive waits, ms: connections on which nothing is under way end. */
const aWhileMs = 24_000;

/** How long the line is silent, ms; null: until the run has ended, which takes minutes. */
export const silences = enough<{ readonly ms: number | null; readonly again?: boolean }>([
  { ms: aWhileMs },
  { ms: null, again: true },
]);

/** A hub, and behind a line a vCenter with a VM of two disks, which is off, and of which there is a restore point. */
export interface VcenterScene extends AsyncDisposable {
  readonly at: VsphereWorkspace;
  readonly vm: SimulatedVm;
  readonly line: Line;
  /** Beyond the line. */
  readonly far: TestHost;
  /** Runs a plan; the line goes silent once more than so many bytes of the second disk are written. */
  silenced(plan: string, bytes: number, ms: number | null): Promise<SilencedRun>;
  /** That a VM has the disks that the restore point has. */
  expectWhole(name: string): Promise<void>;
}

export interface SilencedRun extends RunOutcome {
  /** From the silence to the end of the run, ms. */
  readonly tookMs: number;
  readonly warnings: string;
}

/** @param node where it is: at the hub, or beside the vCenter, with the name `far` */
export async function openVcenterScene(
  node: 'embedded' | 'far',
  settings: readonly string[] = [],
): Promise<VcenterScene> {
  await using stack = new AsyncDisposableStack();
  const named = hostNames();
  const hub = stack.use(await makeHost(named('hub'), '10.77.0.1'));
  const far = stack.use(await makeHost(named('vcenter'), '10.77.0.2'));
  const line = stack.use(await layLine(hub, far, 'eth0'));
  for (const host of [hub, far]) await addInterface(host, 'eth0');
  await knowEachOther(hub, far, 'eth0');
  const state = stack.use(await temporaryFolder());
  const at = stack.use(
    await vsphereWorkspace({
      at: far,
      prefix: hub.prefix,
      settings: (vcenter) => [
        ...withoutVddk(vcenter),
        ...(node === 'far' ? farSettings(hub, far, state.file('token')) : []),
        ...settings,
      ],
    }),
  );
  if (node === 'far') stack.use(await startFar(far, state.path, at.vcenter.vddkEnvironment));
  const vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    // What does not fit into the buffers of a connection.
    disks: [2 * MiB, 24 * MiB].map((capacity) => ({ capacity, content: randomBytes(capacity) })),
  });
  await at.plan('nightly.yaml', vm, [], node === 'far' ? ['node: far'] : []);
  const { exitCode, stderr, stdout } = await at.run('nightly.yaml');
  expect(exitCode, stdout + stderr).toBe(0);
  await vm.power('off');
  const truth = await contents(vm);
  const held = stack.move();
  return {
    at,
    vm,
    line,
    far,
    silenced: async (plan, bytes, ms) => silenced(at, { line, prefix: hub.prefix, plan, bytes, ms }),
    async expectWhole(name) {
      const made = await at.vcenter.findVm(name);
      if (!made) throw new Error(`there is no ${name}`);
      const now = await contents(made);
      expect(now.map((disk, number) => disk.equals(truth[number] ?? Buffer.alloc(0)))).toEqual([true, true]);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const apiPort = 8081;

const farSettings = (hub: TestHost, far: TestHost, token: string): readonly string[] => [
  'nodes:',
  '  far:',
  '    mode: direct',
  `    url: http://${far.address}:${apiPort}`,
  `    data: { listen: ${hub.address}, host: ${hub.address}, tls: none }`,
  `    token: { secret: { file: ${token} } }`,
];

async function startFar(far: TestHost, stateDir: string, environment: Readonly<Record<string, string>>) {
  const TMPDIR = join(stateDir, 't');
  await mkdir(TMPDIR, { mode: 0o700 });
  const words = ['--state-dir', stateDir, 'serve', '--listen', `${far.address}:${apiPort}`];
  return startService({
    host: far,
    argv: [process.execPath, programs.node, ...words],
    cwd: stateDir,
    env: { TMPDIR, ...environment },
    ready: /listening on/,
  });
}

const contents = ({ disks }: SimulatedVm): Promise<Buffer[]> =>
  Promise.all(disks.map(({ flatFile }) => readFile(flatFile)));

interface Silencing {
  readonly line: Line;
  readonly prefix: readonly string[];
  readonly plan: string;
  readonly bytes: number;
  readonly ms: number | null;
}

async function silenced(
  { work, vcenter }: VsphereWorkspace,
  { line, prefix, plan, bytes, ms }: Silencing,
): Promise<SilencedRun> {
  let silentAt = 0;
  const fallSilent = async (): Promise<void> => {
    silentAt = performance.now();
    await line.cut();
    if (ms === null) return;
    await delay(ms);
    await line.restore();
  };
  let silence: Promise<void> | null = null;
  const watched = { prefix, folder: work.folder, plan, env: vcenter.vddkEnvironment };
  const outcome = await watchRun(watched, (event: RunEvent) => {
    if (event.type !== 'step.progress') return;
    const [disk] = event.disks.filter((one) => one.disk === 'disk-1' && /^(copying|writing)$/.test(one.phase));
    if (disk && disk.bytes_done > bytes) silence ??= fallSilent();
  });
  const tookMs = performance.now() - silentAt;
  expect(silence, JSON.stringify(outcome.finished) + outcome.stderr).not.toBeNull();
  await silence;
  const warnings = outcome.events.map((event) =>
    event.type === 'step.log' && event.level === 'warning' ? event.message : '',
  );
  return { ...outcome, tookMs, warnings: warnings.join('\n') };
}
