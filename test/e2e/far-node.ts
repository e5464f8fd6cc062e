import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { jobFolderIn, readStatus } from '../../src/node/jobs/job-folder.ts';
import { startNode, type RunningNode } from '../../src/node/start-node.ts';
import { cuttableLink, type CuttableLink } from '../host/cuttable-link.ts';
import { until } from '../node/support.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import type { VcenterOptions } from '../simulators/vcenter/start-vcenter.ts';
import { freePorts } from '../support/free-ports.ts';
import { randomBytes } from '../support/random.ts';
import { MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { program } from './workspace.ts';

const token = 'canary-token-0123456789abcdef';
const dataPorts = 9;

export interface FarNode extends AsyncDisposable {
  readonly at: VsphereWorkspace;
  /** The one that the restore point is of. It has two disks. */
  readonly vm: SimulatedVm;
  readonly stateDir: string;
  /** Between hub and node, for the API and for the disks. */
  readonly link: Pick<CuttableLink, 'cut' | 'mend'>;
  start(): Promise<RunningNode>;
  /** `sendense-run restore` to a new VM by the node, as a process of its own. */
  restore(name: string, ...words: string[]): ChildProcess;
  call(name: string, ...words: string[]): ReturnType<VsphereWorkspace['work']['call']>;
}

/** A hub with a restore point of two disks, and a node that it reaches at ports, with keys, over a link that can be cut. */
export async function farNode(
  options: VcenterOptions & { readonly settings?: readonly string[] } = {},
): Promise<FarNode> {
  await using stack = new AsyncDisposableStack();
  const [apiPort = 0, port = 0, first = 0] = await freePorts(2 + dataPorts);
  // The hub is 127.0.0.1 to itself, and 127.0.0.2 to the node.
  const [hubHost, hubAtNode] = ['127.0.0.1', '127.0.0.2'];
  const at = stack.use(
    await vsphereWorkspace({
      ...options,
      settings: [
        `ports: { from: ${first}, to: ${first + dataPorts - 1} }`,
        'nodes:',
        `  esx: { mode: direct, url: "http://127.0.0.1:${apiPort}", token: { secret: { file: ./token } }, data: { listen: ${hubHost}, host: ${hubAtNode}, tls: psk } }`,
        ...(options.settings ?? []),
      ],
    }),
  );
  const links = [stack.use(await cuttableLink({ host: hubHost, port: apiPort }, { host: hubHost, port }))];
  for (let data = first; data < first + dataPorts; data++)
    links.push(stack.use(await cuttableLink({ host: hubAtNode, port: data }, { host: hubHost, port: data })));
  await writeFile(at.work.path('token'), token);
  const stateDir = at.work.path('node');
  // Not `vi.stubEnv`, which lasts for one test: a file may share this.
  const before = { ...process.env };
  Object.assign(process.env, at.vcenter.vddkEnvironment);
  stack.defer(() => {
    for (const name of Object.keys(at.vcenter.vddkEnvironment)) restoreVariable(name, before[name]);
  });
  const content = (): Buffer => randomBytes(3 * MiB);
  const vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    disks: [
      { capacity: 4 * MiB, content: content() },
      { capacity: 4 * MiB, content: content() },
    ],
  });
  await at.plan('nightly.yaml', vm);
  expect((await at.run('nightly.yaml')).exitCode).toBe(0);
  const words = (name: string): string[] => [
    'restore',
    'pgtest1',
    '--to',
    'vsphere:test-vcenter',
    '--name',
    name,
    '--node',
    'esx',
  ];
  const held = stack.move();
  return {
    at,
    vm,
    stateDir,
    link: {
      cut: async () => void (await Promise.all(links.map((link) => link.cut()))),
      mend: async () => void (await Promise.all(links.map((link) => link.mend()))),
    },
    start: () => startNode({ listen: { host: '127.0.0.1', port }, stateDir, token }),
    restore: (name, ...more) =>
      spawn(process.execPath, [program, ...words(name), ...more], { cwd: at.work.folder, stdio: 'ignore' }),
    call: (name, ...more) => at.work.call([...words(name), ...more]),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function restoreVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}

/** That a VM has the disks that `pgtest1` has. */
export async function expectEqual({ at, vm }: FarNode, name: string): Promise<void> {
  const made = await at.vcenter.findVm(name);
  expect(made?.disks).toHaveLength(2);
  for (const [index, { flatFile }] of (made?.disks ?? []).entries())
    await execa('cmp', [flatFile, vm.disks[index]?.flatFile ?? '']);
}

/** A job at the node that has written in place, and has not ended. */
export const inTheMiddle = ({ stateDir }: Pick<FarNode, 'stateDir'>): Promise<string> =>
  until(async () => {
    for (const id of readdirSync(join(stateDir, 'jobs'))) {
      const status = await readStatus(jobFolderIn(stateDir, id)).catch(() => null);
      const [disk] = status?.disks ?? [];
      if (id.endsWith('-in-place') && disk?.phase === 'copying' && disk.bytes_done > 0 && status?.finished === null)
        return id;
    }
    return null;
  }, 'something is written');
