import { toSendenseError } from '../../errors/sendense-error.ts';
import type { Moref, SoapArg } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { list, optionalText, type XmlValue } from './xml.ts';

/** How far back is looked, ms: further than restore points are usually apart. */
const windowMs = 45 * 24 * 3600 * 1000;
/** Events that vSphere puts into one answer, at most. */
const pageSize = 1000;
const maxPages = 10;

/** What the events say of a VM's reverts to snapshots; times in ms since the epoch, in our clock. */
export interface Reverts {
  /** The last one; null: none that the events know. */
  readonly last: number | null;
  /** From here on a revert would have been seen: events are kept for a time, and those of an ESXi host begin with its start. Null: never. */
  readonly knownSince: number | null;
  /** Why they could not be read at all; null: they could. */
  readonly unreadable: string | null;
}

/**
 * When the VM was last reverted to a snapshot. After a revert the hypervisor's list of changes does not lead from the last
 * backup to now, so whoever does not know of one must not trust that list.
 * @param clockOffset the server's clock minus ours, ms
 */
export async function lastRevert(
  vsphere: Vsphere,
  vm: Moref,
  clockOffset: number,
  signal?: AbortSignal,
): Promise<Reverts> {
  const { eventManager } = vsphere.content;
  if (!eventManager) return unknown(`${vsphere.host} keeps no events`);
  const begin = Date.now() + clockOffset - windowMs;
  try {
    const tasks = await allEvents(vsphere, eventManager, [entity(vm), types], begin, signal);
    // A vCenter notes our own snapshots, too, so that what it still has of the VM tells how far back it remembers. Hosts do not.
    const oldest = vsphere.about.apiType === 'HostAgent' ? await oldestOf(vsphere, eventManager, begin, signal) : null;
    const known = Math.min(oldest ?? Infinity, ...tasks.events.map(timeOf));
    const last = Math.max(0, ...tasks.events.filter(isRevert).map(timeOf)) || null;
    return {
      last: last === null ? null : last - clockOffset,
      knownSince: tasks.complete && Number.isFinite(known) ? Math.max(begin, known) - clockOffset : null,
      unreadable: null,
    };
  } catch (error) {
    signal?.throwIfAborted();
    // Events need a right of their own on some servers, and others keep none.
    return unknown(toSendenseError(error).message);
  }
}

const unknown = (unreadable: string): Reverts => ({ last: null, knownSince: null, unreadable });

const entity = (vm: Moref): SoapArg => [
  'entity',
  {
    fields: [
      ['entity', vm],
      ['recursion', 'self'],
    ],
  },
];

/** Of the task that reverts, by either of the names that clients use for a type, and what vCenter 7 and ESXi say of a VM that was reverted. */
const types: SoapArg = [
  'eventTypeId',
  ['TaskEvent', 'vim.event.TaskEvent', 'com.vmware.vc.vm.VmStateRevertedToSnapshot'],
];

/** An answer has a limited number of events, so what came after its last one is asked for next. */
async function allEvents(
  vsphere: Vsphere,
  eventManager: Moref,
  [about, kinds]: readonly [SoapArg, SoapArg],
  begin: number,
  signal?: AbortSignal,
): Promise<{ readonly events: readonly XmlValue[]; readonly complete: boolean }> {
  const events: XmlValue[] = [];
  let from = begin;
  for (let page = 0; page < maxPages; page++) {
    const found = await query(vsphere, eventManager, [about, timeFrom(from), noMessages, kinds], signal);
    events.push(...found);
    if (found.length < pageSize) return { events, complete: true };
    const newest = Math.max(from, ...found.map(timeOf));
    if (newest === from) break;
    from = newest;
  }
  return { events, complete: false };
}

/** Of everything that the server has events of. */
async function oldestOf(
  vsphere: Vsphere,
  eventManager: Moref,
  begin: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const events = await query(vsphere, eventManager, [timeFrom(begin), noMessages], signal);
  return events.length === 0 ? null : Math.min(...events.map(timeOf));
}

const timeFrom = (begin: number): SoapArg => ['time', { fields: [['beginTime', new Date(begin).toISOString()]] }];
const noMessages: SoapArg = ['disableFullMessage', true];

const query = async (
  vsphere: Vsphere,
  eventManager: Moref,
  fields: readonly SoapArg[],
  signal?: AbortSignal,
): Promise<readonly XmlValue[]> =>
  list(
    await vsphere.call('QueryEvents', eventManager, [['filter', { fields }]], { signal, all: true }),
    'returnval',
  ).filter((event) => Number.isFinite(timeOf(event)));

const timeOf = (event: XmlValue): number => Date.parse(optionalText(event, 'createdTime') ?? '');

const isRevert = (event: XmlValue): boolean =>
  /revert/i.test(
    ['info.descriptionId', 'info.name', 'eventTypeId'].map((path) => optionalText(event, path) ?? '').join(' '),
  );
