import type { Moref, SoapObject, Vsphere } from './connect.ts';
import { list, optionalText, type XmlValue } from './xml.ts';

/** How far back is looked, ms: further than restore points are usually apart. */
const windowMs = 45 * 24 * 3600 * 1000;
/** Events that vSphere puts into one answer, at most. */
const pageSize = 1000;
const maxPages = 10;

/**
 * When the VM was last reverted to a snapshot, milliseconds since the epoch in our clock; null: not that the events know. After
 * a revert the hypervisor's list of changes does not lead from the last backup to now.
 * @param clockOffset the server's clock minus ours, ms
 */
export async function lastRevert(
  vsphere: Vsphere,
  vm: Moref,
  clockOffset: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const { eventManager } = vsphere.content;
  if (!eventManager) return null;
  let from = Date.now() + clockOffset - windowMs;
  let last: number | null = null;
  try {
    // An answer has a limited number of events, so what came after its last one is asked for next.
    for (let page = 0; page < maxPages; page++) {
      const events = await taskEvents(vsphere, eventManager, vm, from, signal);
      const times = events.map(timeOf).filter((time) => Number.isFinite(time));
      const reverts = events.filter(isRevert).map(timeOf);
      last = Math.max(last ?? 0, ...reverts.filter((time) => Number.isFinite(time))) || null;
      const newest = Math.max(from, ...times);
      if (events.length < pageSize || newest === from) break;
      from = newest;
    }
    return last === null ? null : last - clockOffset;
  } catch {
    signal?.throwIfAborted();
    // Events need a right of their own on some servers, and others keep none.
    return null;
  }
}

async function taskEvents(
  vsphere: Vsphere,
  eventManager: Moref,
  vm: Moref,
  from: number,
  signal?: AbortSignal,
): Promise<readonly XmlValue[]> {
  const entity: SoapObject = {
    fields: [
      ['entity', vm],
      ['recursion', 'self'],
    ],
  };
  const filter: SoapObject = {
    fields: [
      ['entity', entity],
      ['time', { fields: [['beginTime', new Date(from).toISOString()]] }],
      ['disableFullMessage', true],
      ['eventTypeId', ['vim.event.TaskEvent']],
    ],
  };
  return list(
    await vsphere.call('QueryEvents', eventManager, [['filter', filter]], { signal, all: true }),
    'returnval',
  );
}

const timeOf = (event: XmlValue): number => Date.parse(optionalText(event, 'createdTime') ?? '');

const isRevert = (event: XmlValue): boolean =>
  /revert/i.test(`${optionalText(event, 'info.descriptionId') ?? ''} ${optionalText(event, 'info.name') ?? ''}`);
