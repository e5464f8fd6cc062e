import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { queryChangedAreas } from '../../src/node/vsphere/changed-areas.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../src/node/vsphere/vsphere.ts';
import { listVms } from '../../src/node/vsphere/list-vms.ts';
import { snapshotDisks } from '../../src/node/vsphere/snapshot-disks.ts';
import type { RunEvent } from '../../src/schemas/types.ts';
import { startVcenter, type Vcenter } from '../simulators/vcenter/start-vcenter.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { program } from './fixture.ts';
import { compete, median, printTable, type Row } from './measure.ts';

const MiB = 1024 * 1024;

/** A VM of one disk, half random data, the rest holes, in a vCenter with a frozen copy. */
export async function bigVm(vcenter: Vcenter, bytes: number): Promise<SimulatedVm> {
  const vm = await vcenter.addVm({ name: 'bench', cbt: true, disks: [{ capacity: bytes, share: true }] });
  await using handle = await open(vm.disks[0]?.flatFile ?? '', 'r+');
  const piece = 16 * MiB;
  for (let offset = 0; offset + piece <= bytes; offset += 2 * piece)
    await handle.write(randomBytes(piece), 0, piece, offset);
  await handle.sync();
  return vm;
}

/** @param cbt `'off'` in quotes: everything is read, as a bare copy does; the test vCenter is slow to say what is allocated */
export async function workFolder(
  vcenter: Vcenter,
  transport: string,
  cbt = "'off'",
): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'vbench-'));
  await writeFile(join(folder, 'vcenter.password'), vcenter.password, { mode: 0o600 });
  const plugin = vcenter.vddkPlugin ? `, plugin: ${vcenter.vddkPlugin}` : '';
  await writeFile(
    join(folder, 'sendense.yaml'),
    `version: 1
repositories: { primary: { path: ./repository } }
sources:
  test:
    type: vsphere
    host: ${vcenter.host}:${vcenter.port}
    user: ${vcenter.user}
    password: { secret: { file: ./vcenter.password } }
    thumbprint: '${vcenter.thumbprint}'
    transports: [${transport}]
    vddk: { libdir: ${vcenter.vddkLibdir}${plugin}, compression: none }
`,
  );
  await writeFile(
    join(folder, 'plan.yaml'),
    `kind: backup\nname: bench\nvm: { name: bench, path: /DC1/vm/bench, quiesce: 'off', cbt: ${cbt} }\nrepository: primary\n`,
  );
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export const sendense = (folder: string, vcenter: Vcenter, ...args: string[]) =>
  execa(program, args, { cwd: folder, env: { NO_COLOR: '1', ...vcenter.vddkEnvironment } });

/** A bare nbdkit and a bare qemu-nbd with these arguments, while `work` goes on with their NBD URIs. */
export async function bareServers(
  folder: string,
  { nbdkit, env, qemuNbd }: { nbdkit: readonly string[]; env: Record<string, string>; qemuNbd: readonly string[] },
  work: (nbdkit: string, qemuNbd: string) => Promise<unknown>,
): Promise<void> {
  const [one, other, pidFile] = ['nbdkit.sock', 'qemu.sock', 'nbdkit.pid'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([pidFile, one, other].map((file) => rm(file, { force: true })));
  const servers = [
    spawn('nbdkit', ['-f', '--exit-with-parent', '-U', one, '-P', pidFile, ...nbdkit], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
    spawn('qemu-nbd', ['--shared=10', '--cache=none', '--aio=native', '-k', other, ...qemuNbd], { stdio: 'ignore' }),
  ];
  const there = async (file: string): Promise<void> => {
    for (let tries = 0; (await stat(file).catch(() => null)) === null; tries++) {
      if (tries > 1000) throw new Error(`${file} did not come`);
      await delay(10);
    }
  };
  await Promise.all([there(pidFile), there(other)]);
  await work(`nbd+unix:///?socket=${one}`, `nbd+unix:///?socket=${other}`);
  const ended = servers.map((server) => once(server, 'exit'));
  for (const server of servers) server.kill();
  await Promise.all(ended);
}

/** What the plugin for VDDK is told about a disk. */
export const vddkWords = (vcenter: Vcenter, vm: SimulatedVm, passwordFile: string): string[] => [
  vcenter.vddkPlugin ?? 'vddk',
  `libdir=${vcenter.vddkLibdir}`,
  `server=${vcenter.host}`,
  `port=${vcenter.port}`,
  `user=${vcenter.user}`,
  `password=+${passwordFile}`,
  `thumbprint=${vcenter.thumbprintSha1}`,
  `vm=moref=${vm.moref}`,
  `file=${vm.disks[0]?.fileName}`,
];

/** A bare nbdkit with these arguments, copied by nbdcopy into a fresh qcow2 behind qemu-nbd: what one would do by hand. */
async function bareCopy(
  folder: string,
  nbdkit: readonly string[],
  bytes: number,
  copyArgs: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const target = join(folder, 'bare.qcow2');
  await rm(target, { force: true });
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', target, String(bytes)]);
  const qemuNbd = ['--discard=unmap', '--detect-zeroes=on', '-f', 'qcow2', target];
  await bareServers(folder, { nbdkit: ['-r', ...nbdkit], env, qemuNbd }, (from, to) =>
    execa('nbdcopy', ['--destination-is-zero', '--flush', ...copyArgs, from, to]),
  );
}

export const tuned = ['--connections=4', '--requests=64', '--request-size=1048576'];

/** How long the step that copies took in each run, seconds: snapshot, reading, hashing, writing, flush; not the programs around it. */
export function stepTimes(
  name = 'transfer',
  words: () => readonly string[] = () => ['run', 'plan.yaml'],
): { readonly times: number[]; run(folder: string, vcenter: Vcenter): Promise<void> } {
  const times: number[] = [];
  return {
    times,
    async run(folder, vcenter) {
      const { stdout } = await sendense(folder, vcenter, '--json', ...words());
      for (const line of stdout.split('\n').filter(Boolean)) {
        const event = JSON.parse(line) as RunEvent;
        if (event.type === 'step.succeeded' && event.step === name) times.push(event.duration_ms / 1000);
      }
    },
  };
}

export function printStep(times: readonly number[], rows: readonly Row[]): void {
  const [bare] = rows;
  const own = median(times);
  console.log(
    `  of it the step that copies: ${own.toFixed(3)} s = ${(own / (bare?.median ?? NaN)).toFixed(2)}x of the bare copy`,
  );
}

/** Fulls over both transports, digests, snapshot and commit included, against bare tools. */
export async function vsphereFull(bytes: number, rounds: number): Promise<void> {
  await using vcenter = await startVcenter();
  const vm = await bigVm(vcenter, bytes);
  await using byVddk = await workFolder(vcenter, 'vddk');
  await using byHttps = await workFolder(vcenter, 'https');
  const wipe = (folder: string) => async () =>
    Promise.all(['repository', 'state'].map((name) => rm(join(folder, name), { recursive: true, force: true }))).then(
      () => undefined,
    );
  const passwordFile = join(byVddk.folder, 'vcenter.password');
  const vddk = vddkWords(vcenter, vm, passwordFile);
  const [vddkStep, httpsStep] = [stepTimes(), stepTimes()];
  const rows = await compete(
    [
      {
        name: 'bare nbdkit-vddk + nbdcopy',
        run: () => bareCopy(byVddk.folder, vddk, bytes, tuned, vcenter.vddkEnvironment),
      },
      {
        name: 'sendense-run, transport vddk (target: 1.10)',
        prepare: wipe(byVddk.folder),
        run: () => vddkStep.run(byVddk.folder, vcenter),
      },
    ],
    rounds,
  );
  printTable(`vSphere, full over VDDK's stand-in (${bytes / MiB} MiB, half data)`, rows, 'bare nbdkit-vddk + nbdcopy');
  printStep(vddkStep.times, rows);

  const url = `${vcenter.url}/folder/bench/bench-flat.vmdk?dcPath=${vcenter.datacenter}&dsName=${vcenter.datastore}`;
  const curl = (requestBytes: number) => ({
    args: ['curl', url, `user=${vcenter.user}`, `password=+${passwordFile}`, 'sslverify=false'],
    copy: ['--connections=1', '--requests=8', `--request-size=${requestBytes}`],
  });
  const best = curl(2 * MiB);
  const https = await compete(
    [
      {
        name: 'bare nbdkit-curl + nbdcopy, 2 MiB requests',
        run: () => bareCopy(byHttps.folder, best.args, bytes, best.copy, {}),
      },
      {
        name: 'sendense-run, transport https (target: 1.10)',
        prepare: wipe(byHttps.folder),
        run: () => httpsStep.run(byHttps.folder, vcenter),
      },
    ],
    rounds,
  );
  printTable(
    `vSphere, full over HTTPS (${bytes / MiB} MiB, half data)`,
    https,
    'bare nbdkit-curl + nbdcopy, 2 MiB requests',
  );
  printStep(httpsStep.times, https);
}

/** 20,000 changed areas, 1000 VMs, and the fixed cost of an incremental, by step. */
export async function vsphereSmall(rounds: number): Promise<void> {
  await using vcenter = await startVcenter({ vms: 1000 });
  const address = { ...vcenter, ca: null };
  const times = { areas: [] as number[], list: [] as number[] };
  const capacity = 4 * 1024 * MiB;
  // Not shared: the areas are those that differ between two frozen copies.
  const vm = await vcenter.addVm({ name: 'bench', cbt: true, disks: [{ capacity }] });
  {
    await using vsphere = await connectVsphere(address);
    const first = await changeIdOf(vsphere, vm);
    await using handle = await open(vm.disks[0]?.flatFile ?? '', 'r+');
    for (let area = 0; area < 20_000; area++) await handle.write(randomBytes(512), 0, 512, area * 3 * 65_536);
    const now = await changeIdOf(vsphere, vm, true);
    const ask = () =>
      queryChangedAreas(
        vsphere,
        {
          vm: { type: 'VirtualMachine', value: vm.moref },
          snapshot: { type: 'VirtualMachineSnapshot', value: now.snapshot },
          disk: { key: vm.disks[0]?.key ?? 0, capacity_bytes: capacity, change_id: now.changeId },
        },
        first.changeId,
      );
    // The test vCenter compares the copies when it is first asked; a real one keeps a list.
    await ask();
    for (let round = 0; round < Math.max(3, rounds); round++) {
      const started = performance.now();
      const found = await ask();
      times.areas.push((performance.now() - started) / 1000);
      if (!('areas' in found) || found.areas.length !== 20_000)
        throw new Error(`not 20000 areas: ${JSON.stringify(found).slice(0, 200)}`);
      const listing = performance.now();
      const { vms } = await listVms(vsphere);
      times.list.push((performance.now() - listing) / 1000);
      if (vms.length < 1000) throw new Error(`only ${vms.length} VMs`);
    }
    await vm.removeSnapshot(now.snapshot);
  }
  console.log('\nvSphere, seconds');
  console.log(`  20,000 changed areas, asked and parsed (target: 1)  median ${median(times.areas).toFixed(3)}`);
  console.log(`  discovery of 1000 VMs (target: 3)                   median ${median(times.list).toFixed(3)}`);
  await phases(vcenter, rounds);
}

async function changeIdOf(
  vsphere: Vsphere,
  vm: SimulatedVm,
  keep = false,
): Promise<{ changeId: string; snapshot: string }> {
  const snapshot = await vm.snapshot('bench');
  const { disks } = await snapshotDisks(
    vsphere,
    { type: 'VirtualMachine', value: vm.moref },
    { type: 'VirtualMachineSnapshot', value: snapshot },
  );
  const changeId = disks[0]?.change_id;
  if (!changeId) throw new Error('the snapshot shows no change id');
  if (!keep) await vm.removeSnapshot(snapshot);
  return { changeId, snapshot };
}

/** Where the time of an incremental goes in which nothing changed. */
async function phases(vcenter: Vcenter, rounds: number): Promise<void> {
  await using work = await workFolder(vcenter, 'https', 'require');
  await sendense(work.folder, vcenter, 'run', 'plan.yaml', '--quiet');
  const byStep = new Map<string, number[]>();
  const whole: number[] = [];
  for (let round = 0; round < Math.max(3, rounds); round++) {
    const started = performance.now();
    const { stdout } = await sendense(work.folder, vcenter, '--json', 'run', 'plan.yaml');
    whole.push((performance.now() - started) / 1000);
    for (const line of stdout.split('\n').filter(Boolean)) {
      const event = JSON.parse(line) as RunEvent;
      if (event.type !== 'step.succeeded') continue;
      byStep.set(event.step, [...(byStep.get(event.step) ?? []), event.duration_ms / 1000]);
    }
  }
  console.log('\nvSphere, an incremental with nothing changed, seconds from command to exit, by step');
  for (const [step, times] of byStep) console.log(`  ${step.padEnd(12)} ${median(times).toFixed(3)}`);
  const steps = [...byStep.values()].reduce((sum, times) => sum + median(times), 0);
  console.log(`  ${'the rest'.padEnd(12)} ${(median(whole) - steps).toFixed(3)}   (start and end of the programs)`);
  console.log(`  ${'all'.padEnd(12)} ${median(whole).toFixed(3)}`);
}
