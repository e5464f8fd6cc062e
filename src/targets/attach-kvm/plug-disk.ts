import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import {
  attachDevice,
  detachDevice,
  lookAtDomain,
  type DomainDisk,
  type DomainLook,
  type Scope,
} from '../../host/libvirt/domain-devices.ts';
import { escapeXml } from '../../host/net/escape-xml.ts';
import { freePlaces, type DiskPlace } from './free-place.ts';

/** A disk of ours: both have to be what we made, or it is another's. */
export interface OurDisk {
  /** Absolute. */
  readonly file: string;
  readonly serial: string;
}

/** One that a domain is about to get. */
export interface NewDisk extends OurDisk {
  /** See `aliasOf`. */
  readonly alias: string;
}

/** Others may take a place at the same moment. */
const mostTries = 10;

/** How long a guest may take to let go of a disk, ms. */
const unplugMs = 60_000;

export const isOur = (disk: DomainDisk, { file, serial }: OurDisk): boolean =>
  disk.file === file && disk.serial === serial;

const scopesOf = (look: DomainLook): Scope[] => (['live', 'config'] as const).filter((scope) => look[scope] !== null);

/** Where a domain has the disk; absent: it does not. */
export const heldAs = (look: DomainLook, scope: Scope, our: OurDisk): DomainDisk | undefined =>
  look[scope]?.disks.find((disk) => isOur(disk, our));

/** Whether the domain has the disk, now and after its next start. */
export const isPlugged = (look: DomainLook, our: OurDisk): boolean =>
  scopesOf(look).every((scope) => heldAs(look, scope, our) !== undefined);

/**
 * Gives a disk to a domain: now if it runs, and for its next start if it is kept. May be called again, and by several hubs at once: libvirt
 * gives a name or an alias once only.
 * @throws SendenseError `target.unfit`, `file.exists` where the domain has the same disk of the restore point, `tool.failed`
 */
export async function plugDisk(uri: string, uuid: string, our: NewDisk, signal?: AbortSignal): Promise<void> {
  for (let tries = 1, last = ''; ; tries++) {
    const look = await lookAtDomain(uri, uuid, signal);
    if (look === null) throw gone(uri, uuid);
    const held = heldAs(look, 'live', our) ?? heldAs(look, 'config', our);
    const scopes = scopesOf(look).filter((scope) => heldAs(look, scope, our) === undefined);
    if (scopes.length === 0) return;
    assertNoTwin(look, our);
    const isFree = (name: string) => scopes.every((scope) => look[scope]?.disks.every((disk) => disk.name !== name));
    const [place] = held && isFree(held.name) ? [held] : freePlaces(look, 1);
    if (!place) throw new SendenseError('run.internal', 'no place for a disk');
    const isAgain = place.name === last;
    last = place.name;
    try {
      await attachDevice(uri, uuid, { xml: diskXml(our, place, our.alias), scopes }, signal);
      return;
    } catch (error) {
      // Somebody has taken the place, or libvirt has done it and could not say so: the next look tells.
      if (!isToolFailure(error) || isAgain || tries === mostTries) throw error;
    }
  }
}

/** Of two hubs that attach the same disk at once, one fails. @throws SendenseError `file.exists` */
export function assertNoTwin({ name, live, config }: DomainLook, our: NewDisk): void {
  const all = [...(live?.disks ?? []), ...(config?.disks ?? [])];
  const twin = all.find((disk) => disk.alias === our.alias && !isOur(disk, our));
  if (twin) throw hasIt(name, `that disk of the restore point already, as ${twin.name}`);
}

/** The VM has the disk of the restore point. @param what of it */
export const hasIt = (name: string, what: string): SendenseError =>
  new SendenseError('file.exists', `the VM ${name} cannot get the disk: it has ${what}`, {
    remedy: `\`sendense-run detach ${name} --from kvm:\` takes it off.`,
  });

/**
 * Takes a disk off a domain. "It does not have it" is success.
 * @throws SendenseError `target.busy` where the guest does not let go of it, `tool.failed`
 */
export async function unplugDisk(
  uri: string,
  uuid: string,
  our: OurDisk,
  { signal, timeoutMs = unplugMs }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
): Promise<void> {
  // What runs lets go first: until then a VM that starts again has it, and its mark.
  for (const scope of ['live', 'config'] as const) {
    const until = performance.now() + timeoutMs;
    for (let pause = 100, isAsked = false; ; pause = Math.min(pause * 2, 2000)) {
      const look = await lookAtDomain(uri, uuid, signal);
      const held = look && heldAs(look, scope, our);
      if (!look || !held) break;
      if (performance.now() > until) throw busy(look, held);
      if (!isAsked) await askToGo(uri, uuid, { our, held, scope }, signal);
      isAsked = true;
      await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

/** Somebody else may ask for it at the same time, and the guest may have been asked before. @throws SendenseError `tool.failed` */
async function askToGo(
  uri: string,
  uuid: string,
  { our, held, scope }: { readonly our: OurDisk; readonly held: DomainDisk; readonly scope: Scope },
  signal?: AbortSignal,
): Promise<void> {
  try {
    await detachDevice(uri, uuid, { xml: diskXml(our, held), scope }, signal);
  } catch (error) {
    if (!isToolFailure(error)) throw error;
    const look = await lookAtDomain(uri, uuid, signal);
    if (look && heldAs(look, scope, our) && !isAskedAlready.test(error.message)) throw error;
  }
}

/** QEMU, qdev-monitor.c: "Device … is already in the process of unplug". */
const isAskedAlready = /process of unplug/;

const isToolFailure = (error: unknown): error is SendenseError =>
  error instanceof SendenseError && error.code === 'tool.failed';

const busy = ({ name }: DomainLook, held: DomainDisk): SendenseError =>
  new SendenseError('target.busy', `the guest of the VM ${name} does not let go of ${held.name}; its file stays`, {
    remedy: 'Unmount its file systems in the guest, or switch the VM off, and detach it again.',
  });

const gone = (uri: string, uuid: string): SendenseError =>
  new SendenseError('target.unfit', `libvirt (${uri}) has no VM ${uuid} any more`, {
    remedy: 'Somebody has removed it. Attach the disk to another VM.',
  });

/** No snapshot of the VM takes it along. */
const diskXml = ({ file, serial }: OurDisk, { name, bus }: DiskPlace, alias?: string): string =>
  [
    '<disk type="file" device="disk" snapshot="no">',
    '<driver name="qemu" type="qcow2"/>',
    `<source file="${escapeXml(file)}"/>`,
    `<target dev="${escapeXml(name)}" bus="${escapeXml(bus)}"/>`,
    `<serial>${escapeXml(serial)}</serial>`,
    ...(alias === undefined ? [] : [`<alias name="${escapeXml(alias)}"/>`]),
    '</disk>',
    '',
  ].join('\n');
