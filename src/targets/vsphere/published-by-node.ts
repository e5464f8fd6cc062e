import { randomUUID } from 'node:crypto';
import type { PlannedEffect, VsphereMachine, VsphereSourceSpec } from '../../schemas/types.ts';
import { asVsphere } from '../../sources/vsphere/as-vsphere.ts';
import type { WireLogin } from '../../sources/source-kind.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { TargetHub } from '../target-hub.ts';
import type { RestoreRequest, TargetKind, TargetType, WrittenDisk } from '../target-kind.ts';
import { noMachine, writtenDisk } from './write-vm.ts';

/** The VM that is published; journals of earlier versions have less. */
export type PublishedVm = Pick<
  VsphereMachine,
  'node' | 'source' | 'run' | 'point' | 'vm' | 'name' | 'power_on' | 'attach_to' | 'disks'
>;

/** What publishing claims. */
export interface VmClaim {
  readonly machine: PublishedVm | null;
}

/** A node that knows the vCenter of a VM. */
export interface AskedNode {
  readonly client: NodeClient;
  readonly source: VsphereSourceSpec;
  readonly login: WireLogin;
  readonly signal: AbortSignal;
}

interface Publishing {
  /** What happens to the VM, or to each disk. */
  effects(written: readonly WrittenDisk[]): PlannedEffect[];
  /** Takes the mark away, and starts the VM where that is asked for. May be asked twice. @returns warnings */
  finish(node: AskedNode, machine: PublishedVm, start: boolean): Promise<readonly string[]>;
  /** Null: it is not finished. */
  finished(node: AskedNode, machine: PublishedVm): Promise<{ readonly powered_on: boolean } | null>;
  /** Null: what is published stays so. */
  readonly undo: ((node: AskedNode, machine: PublishedVm) => Promise<unknown>) | null;
}

type Published = Pick<
  TargetKind<TargetType, object, VmClaim>,
  'claimNames' | 'publishEffects' | 'publish' | 'isPublished' | 'undoPublish'
>;

/** How long that is waited for, ms. */
const patienceMs = 10_000;

/** What vSphere says where nothing but a word depends on it. @returns null: it, or the node, does not say in time */
export async function soon<T>(
  hub: TargetHub,
  machine: PublishedVm,
  ask: (node: AskedNode) => Promise<T>,
): Promise<T | null> {
  const signal = AbortSignal.any([hub.signal, AbortSignal.timeout(patienceMs)]);
  try {
    return await ask({ ...(await askedNode(hub, machine)), signal });
  } catch {
    hub.signal.throwIfAborted();
    return null;
  }
}

/** @param isTold whether vSphere was told to start it, as far as that is known */
function startText({ name }: PublishedVm, found: { readonly powered_on: boolean } | null, isTold = true): string {
  const how = found?.powered_on
    ? 'it is on'
    : isTold
      ? 'nobody knows whether it starts: look at the VM in vSphere'
      : 'nobody has told vSphere to. Start it there';
  return `the VM ${name} is restored, and was to be started: ${how}`;
}

/** Of this process: another one may have its number later, or in another container. */
const thisOne = randomUUID();

/** How kinds of targets publish whose disks a node writes in vSphere: it is asked to, and knows afterwards whether it has. */
export function publishedByNode(hub: TargetHub, { effects, finish, finished, undo }: Publishing): Published {
  const asked = (machine: PublishedVm): Promise<AskedNode> => askedNode(hub, machine);
  const start = (machine: PublishedVm, isAgain: boolean): Promise<readonly string[]> => {
    const begin = (node: AskedNode): Promise<readonly string[]> => finish(node, machine, true);
    // An earlier attempt was interrupted while it asked for the start: all is done but to tell what became of it.
    return isAgain
      ? soon(hub, machine, begin).then((warnings) => warnings ?? [startText(machine, null)])
      : asked(machine).then(begin);
  };
  return {
    claimNames: (_written, machine = null) => ({
      machine: machine !== null && 'vm' in machine ? publishedVm(machine) : null,
    }),
    publishEffects: effects,
    async publish({ machine }, run) {
      if (machine === null) throw noMachine();
      run.remember('process', thisOne);
      run.remember('asked', true);
      if (run.remembered?.['finished'] !== true) {
        for (const warning of await finish(await asked(machine), machine, false)) hub.warn(warning);
        run.remember('finished', true);
      }
      if (!machine.power_on) return;
      const isAgain = run.remembered?.['starting'] === true;
      run.remember('starting', true);
      for (const warning of await start(machine, isAgain)) hub.warn(warning);
    },
    async isPublished({ machine }, remembered) {
      if (machine === null || remembered['asked'] !== true) return false;
      // The process that publishes tells of the start itself, unless it has ended.
      const tells = machine.power_on && remembered['process'] !== thisOne;
      const look = async (node: AskedNode) => ({ found: await finished(node, machine) });
      // Where the run has heard that the mark is gone, that counts as long as vSphere says nothing else.
      const seen = remembered['finished'] === true ? await soon(hub, machine, look) : await look(await asked(machine));
      if (seen?.found === null) return false;
      const isTold = remembered['finished'] !== true || remembered['starting'] === true;
      if (tells) hub.warn(startText(machine, seen?.found ?? null, isTold));
      return true;
    },
    async undoPublish({ machine }, remembered) {
      if (undo !== null && machine !== null && remembered['asked'] === true) await undo(await asked(machine), machine);
    },
  };
}

/** What a node has seen, if it is as it is to be. */
export async function seenAs<T>(looking: Promise<T>, isSo: (seen: T) => boolean): Promise<T | null> {
  const seen = await looking;
  return isSo(seen) ? seen : null;
}

/** @throws SendenseError `credential.*`, `secret.unreadable` */
export async function askedNode(hub: TargetHub, { node, source: saved }: PublishedVm): Promise<AskedNode> {
  const source = asVsphere(saved);
  if (source === null) throw noMachine();
  return { source, login: await hub.login(source), client: await hub.node(node), signal: hub.signal };
}

export function publishedVm(machine: VsphereMachine): PublishedVm {
  const { node, source, run, point, vm, name, power_on, attach_to, disks } = machine;
  return { node, source, run, point, vm, name, power_on, disks, ...(attach_to ? { attach_to } : {}) };
}

/** The mark of the VM goes. */
export const markGoes =
  (detail: string) =>
  (written: readonly WrittenDisk[]): PlannedEffect[] =>
    written.slice(0, 1).map(({ file }) => ({ action: 'change', target: file, detail, argv: null }));

/** Where the disks go, before anything is written. */
export const outlineOf = ({ disks }: Pick<RestoreRequest<TargetType>, 'disks'>, vm: string, source: string) => ({
  directory: null,
  files: disks.map(({ disk }) => writtenDisk(disk, `${vm}, at ${source}`, 0)),
});

/** What these kinds do not have: a node reads back what it has written, and whole disks go there. A VM that others have is not started. */
export const onlyDisks = { readBack: null, converting: null, starting: null, files: null } as const;
