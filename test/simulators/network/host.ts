import { execa } from 'execa';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, thisProcess } from '../../../src/host/programs/process-identity.ts';
import { randomUUID } from 'node:crypto';

/** A host of its own, as far as the network goes: its own loopback, ports, addresses and routes. The file system is this one. */
export interface TestHost {
  readonly namespace: string;
  readonly address: string;
  /** What goes before a command so that it runs there; the process keeps its id. */
  readonly prefix: readonly string[];
  /** Runs a command there to its end. @throws what execa throws */
  run(file: string, ...args: string[]): Promise<string>;
  /** What a power cut does: `kill -9` for every process there. Its devices and addresses stay. */
  endProcesses(): Promise<void>;
}

/** The names of a test's hosts say which process made them, so that those of a killed one are known. */
export function hostNames(): (name: string) => string {
  const mark = `st-${process.pid}-${thisProcess().start_time}-${randomUUID().slice(0, 6)}`;
  return (name) => `${mark}-${name}`;
}

/** Needs root. It is gone at the end of the block, with the processes that still run there. */
export async function makeHost(namespace: string, address: string): Promise<TestHost & AsyncDisposable> {
  await sweepHosts();
  await execa('ip', ['netns', 'add', namespace]);
  const prefix = ['nsenter', `--net=/run/netns/${namespace}`, '--'];
  const host: TestHost & AsyncDisposable = {
    namespace,
    address,
    prefix,
    run: async (file, ...args) => (await execa('nsenter', [...prefix.slice(1), file, ...args])).stdout,
    endProcesses: () => endProcesses(namespace),
    [Symbol.asyncDispose]: () => removeHost(namespace),
  };
  await host.run('ip', 'link', 'set', 'lo', 'up');
  return host;
}

/** A cable between interfaces of two hosts, which are made; perfect, and gone with either host. */
export async function layCable(a: TestHost, nameAtA: string, b: TestHost, nameAtB: string): Promise<void> {
  const ends = ['type', 'veth', 'peer', 'name', nameAtB, 'netns', b.namespace];
  await execa('ip', ['link', 'add', nameAtA, 'netns', a.namespace, ...ends]);
}

/** An interface with its address, and where all else goes. */
export async function addInterface(host: TestHost, name: string, gateway?: string): Promise<void> {
  await host.run('ip', 'address', 'add', `${host.address}/24`, 'dev', name);
  await host.run('ip', 'link', 'set', name, 'up');
  if (gateway !== undefined) await host.run('ip', 'route', 'add', 'default', 'via', gateway);
}

/** Removes the hosts of tests that were killed. */
async function sweepHosts(): Promise<void> {
  const { stdout } = await execa('ip', ['netns', 'list']);
  for (const [namespace, pid, startTime] of stdout.matchAll(/^st-([0-9]+)-([0-9]+)-\S+/gm)) {
    if (String(identityOf(Number(pid))?.start_time) === startTime) continue;
    // Another test may be at it, too.
    await removeHost(namespace).catch(() => {});
  }
}

async function removeHost(namespace: string): Promise<void> {
  await endProcesses(namespace);
  await execa('ip', ['netns', 'delete', namespace]);
}

async function endProcesses(namespace: string): Promise<void> {
  for (;;) {
    const { stdout } = await execa('ip', ['netns', 'pids', namespace]);
    const pids = stdout.split('\n').filter(Boolean).map(Number);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
    await delay(20);
  }
}
