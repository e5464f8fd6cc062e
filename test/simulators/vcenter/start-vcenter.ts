import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { controlClient, type Control } from './control-client.ts';
import type { TestHost } from '../network/host.ts';
import { readyProgram } from './ready-program.ts';
import { simulatedVm, type SimulatedVm, type VmSpec } from './simulated-vm.ts';

export interface VcenterOptions {
  /** A bare ESXi host instead of a vCenter. */
  readonly esx?: boolean;
  /** Changed areas in one answer; 2000 as real servers have it. */
  readonly maxAreas?: number;
  /** Bytes in which changes are tracked; 65536. */
  readonly grain?: number;
  readonly user?: string;
  readonly password?: string;
  readonly datacenter?: string;
  /** A port that can refuse connections (fault `away`) stands before the server's own. */
  readonly gate?: boolean;
  /** Machines that hold nothing, in the folder `many`. */
  readonly vms?: number;
  /** vcsim's own log to our standard error. */
  readonly verbose?: boolean;
  /** Where it runs, with an address that others reach; default: here, on loopback. */
  readonly at?: Pick<TestHost, 'prefix' | 'address'>;
  readonly signal?: AbortSignal;
}

export interface SoapCall {
  readonly method: string;
  readonly object: string;
  readonly at_ms: number;
  readonly fault?: string;
}

export interface DatastoreFigures {
  readonly capacity?: number;
  readonly free?: number;
  /** `off`: no host reaches it. */
  readonly accessible?: 'on' | 'off';
}

export interface LibraryWrite {
  /** moref */
  readonly vm: string;
  /** `[LocalDS_0] vm/vm.vmdk` */
  readonly disk: string;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  /** Nothing but zeros. */
  readonly zero: boolean;
}

/** A vCenter or ESXi host that runs until disposed of, or until this process ends. */
export interface Vcenter extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** https://host:port */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** SHA-256 of the certificate, hex with colons. */
  readonly thumbprint: string;
  readonly thumbprintSha1: string;
  /** The certificate, which is self-signed for 127.0.0.1 and localhost. */
  readonly caPem: string;
  readonly datacenter: string;
  readonly datastore: string;
  /** What is /vmfs/volumes on a real host: one folder per datastore. */
  readonly folder: string;
  /** `libdir` for nbdkit's vddk plugin. nbdkit needs `vddkEnvironment`. */
  readonly vddkLibdir: string;
  readonly vddkEnvironment: Record<string, string>;
  /** The plugin's file where the system has none: give it to nbdkit instead of the name `vddk`. */
  readonly vddkPlugin: string | null;
  /** What was asked of the stand-in library, one line each. */
  readonly vddkLog: string;
  readonly pid: number;
  addVm(spec: VmSpec): Promise<SimulatedVm>;
  /** A machine that a client made; null where there is none of that name. */
  findVm(name: string): Promise<SimulatedVm | null>;
  /** One more datastore, or other figures for one that is there. `free` is a limit from then on. Bytes. */
  addDatastore(name: string, figures?: DatastoreFigures): Promise<void>;
  setDatastore(name: string, figures: DatastoreFigures): Promise<void>;
  /** What was written by the stand-in library, in order. */
  writes(): Promise<LibraryWrite[]>;
  /** Any path of the control endpoint; see README.md. */
  readonly control: Control;
  /** Switches a fault on, for `count` times or for ever; see README.md for names and options. */
  fault(name: string, options?: Record<string, string | number>): Promise<void>;
  /** Switches faults off, all or those of one name, and drops the requests that hang. */
  clearFaults(name?: string): Promise<void>;
  /** Makes all sessions invalid. */
  expireSessions(): Promise<void>;
  sessions(): Promise<number>;
  /** The history of events begins now, as that of an ESXi host does when it starts. */
  forgetEvents(): Promise<void>;
  /** The SOAP calls so far, oldest first. */
  calls(): Promise<SoapCall[]>;
  clearCalls(): Promise<void>;
  /** How often a password was tried since the last `clearCalls`, and how often it was refused: accounts lock. */
  logins(): Promise<{ readonly tried: number; readonly refused: number }>;
  /** Faults of the stand-in library, see fake-vddk.c; without any, none. */
  vddkFault(options?: Record<string, string | number>): Promise<void>;
}

interface Announced {
  readonly port: number;
  readonly thumbprint: string;
  readonly thumbprint_sha1: string;
  readonly ca_pem: string;
}

const startMs = 30_000;

export async function startVcenter(options: VcenterOptions = {}): Promise<Vcenter> {
  const ready = await readyProgram(options.signal);
  const root = await mkdtemp(join(tmpdir(), 'vc-'));
  const user = options.user ?? 'backup@vsphere.local';
  const password = options.password ?? 'sim-pass/w0rd & "more"';
  const datacenter = options.esx ? 'ha-datacenter' : (options.datacenter ?? 'DC1');
  const { prefix = [], address: host = '127.0.0.1' } = options.at ?? {};
  const [file = '', ...words] = [...prefix, ready.program, ...argumentsFor(root, datacenter, host, options)];
  const child = spawn(file, words, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, VCENTER_USER: user, VCENTER_PASSWORD: password },
  });
  try {
    const announced = await firstLine(child, options.signal);
    const control = controlClient(join(root, 'control'));
    const vddk = join(root, 'vddk');
    return {
      host,
      port: announced.port,
      url: `https://${host}:${announced.port}`,
      user,
      password,
      thumbprint: announced.thumbprint,
      thumbprintSha1: announced.thumbprint_sha1,
      caPem: announced.ca_pem,
      datacenter,
      datastore: 'LocalDS_0',
      folder: join(root, 'vmfs/volumes'),
      vddkLibdir: ready.vddkLibdir,
      vddkEnvironment: { FAKE_VDDK: vddk },
      vddkPlugin: ready.vddkPlugin,
      vddkLog: join(vddk, 'log'),
      pid: child.pid ?? 0,
      addVm: async (spec) => simulatedVm(control, await control('/vm/add', {}, JSON.stringify(body(spec))), spec),
      async findVm(name) {
        const answer = (await control('/vm/find', { name })) as { moref?: string };
        return answer.moref === undefined ? null : simulatedVm(control, answer, { name, disks: [] });
      },
      addDatastore: async (name, figures = {}) => void (await control('/datastore/add', { name, ...figures })),
      setDatastore: async (name, figures) => void (await control('/datastore/set', { name, ...figures })),
      writes: () => readWrites(join(vddk, 'writes')),
      control,
      fault: async (name, query = {}) => void (await control('/fault', { name, ...query })),
      clearFaults: async (name) => void (await control('/fault/clear', name ? { name } : {})),
      expireSessions: async () => void (await control('/expire')),
      forgetEvents: async () => void (await control('/events/forget')),
      sessions: async () => ((await control('/sessions')) as { sessions: number }).sessions,
      calls: async () => (await control('/calls')) as SoapCall[],
      clearCalls: async () => void (await control('/calls/clear')),
      logins: async () => {
        const tries = ((await control('/calls')) as SoapCall[]).filter(({ method }) => method === 'Login');
        return { tried: tries.length, refused: tries.filter((one) => one.fault !== undefined).length };
      },
      vddkFault: async (query = {}) =>
        void (await control(
          '/vddk',
          {},
          Object.entries(query)
            .map(([name, value]) => `${name} ${value}\n`)
            .join(''),
        )),
      [Symbol.asyncDispose]: () => end(child, root),
    };
  } catch (error) {
    await end(child, root);
    throw error;
  }
}

async function readWrites(file: string): Promise<LibraryWrite[]> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\x1f'))
    .map(([vm = '', disk = '', offset, length, what]) => ({
      vm,
      disk,
      offset: Number(offset),
      length: Number(length),
      zero: what === 'zero',
    }));
}

const argumentsFor = (root: string, datacenter: string, listen: string, options: VcenterOptions): string[] => [
  `-root=${root}`,
  `-listen=${listen}`,
  `-datacenter=${datacenter}`,
  `-esx=${options.esx ?? false}`,
  `-gate=${options.gate ?? false}`,
  `-vms=${options.vms ?? 0}`,
  `-max-areas=${options.maxAreas ?? 2000}`,
  `-grain=${options.grain ?? 65536}`,
  `-verbose=${options.verbose ?? false}`,
];

/** Go reads field names without regard to case, and bytes as base64. */
const body = (spec: VmSpec): unknown => ({
  ...spec,
  nvram: spec.nvram?.toString('base64'),
  disks: spec.disks.map((disk) => ({ ...disk, content: undefined })),
});

async function firstLine(child: ChildProcess, signal: AbortSignal | undefined): Promise<Announced> {
  if (!child.stdout) throw new Error('no standard output');
  const lines = createInterface({ input: child.stdout });
  const limit = AbortSignal.any([AbortSignal.timeout(startMs), ...(signal ? [signal] : [])]);
  const [line] = (await Promise.race([
    once(lines, 'line', { signal: limit }),
    once(child, 'exit', { signal: limit }).then(([code]) => {
      throw new Error(
        `the test vCenter ended with ${String(code)} before it was ready; what it wrote to standard error says why`,
      );
    }),
  ])) as [string];
  return JSON.parse(line) as Announced;
}

async function end(child: ChildProcess, root: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.stdin?.end();
    const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(kill);
  }
  await rm(root, { recursive: true, force: true });
}
