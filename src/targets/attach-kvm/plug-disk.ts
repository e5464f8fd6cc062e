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
 * Gives a disk to a domain: now if it runs, and for its next start if it is kept. May be called again.
 * @throws SendenseError `target.unfit`, `tool.failed`
 */
export async function plugDisk(uri: string, uuid: string, our: OurDisk, signal?: AbortSignal): Promise<void> {
  const look = await lookAtDomain(uri, uuid, signal);
  if (look === null) throw gone(uri, uuid);
  const held = heldAs(look, 'live', our) ?? heldAs(look, 'config', our);
  const scopes = scopesOf(look).filter((scope) => heldAs(look, scope, our) === undefined);
  if (scopes.length === 0) return;
  const [place] = held ? [held] : freePlaces(look, 1);
  if (!place) throw new SendenseError('run.internal', 'no place for a disk');
  await attachDevice(uri, uuid, { xml: diskXml(our, place), scopes }, signal);
}

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
      if (!isAsked) await detachDevice(uri, uuid, { xml: diskXml(our, held), scope }, signal);
      isAsked = true;
      if (performance.now() > until) throw busy(look, held);
      await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

const busy = ({ name }: DomainLook, held: DomainDisk): SendenseError =>
  new SendenseError('target.busy', `the guest of the VM ${name} does not let go of ${held.name}; its file stays`, {
    remedy: 'Unmount its file systems in the guest, or switch the VM off, and detach it again.',
  });

const gone = (uri: string, uuid: string): SendenseError =>
  new SendenseError('target.unfit', `libvirt (${uri}) has no VM ${uuid} any more`, {
    remedy: 'Somebody has removed it. Attach the disk to another VM.',
  });

/** No snapshot of the VM takes it along. */
const diskXml = ({ file, serial }: OurDisk, { name, bus }: DiskPlace): string =>
  [
    '<disk type="file" device="disk" snapshot="no">',
    '<driver name="qemu" type="qcow2"/>',
    `<source file="${escapeXml(file)}"/>`,
    `<target dev="${escapeXml(name)}" bus="${escapeXml(bus)}"/>`,
    `<serial>${escapeXml(serial)}</serial>`,
    '</disk>',
    '',
  ].join('\n');
