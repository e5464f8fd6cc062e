import type { TaskOptions } from './vsphere.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { Vsphere } from './vsphere.ts';
import type { SoapArg, SoapObject } from './encode-soap.ts';
import { faultError, faultOf } from './fault.ts';
import { at, list, moref, optionalText, text, type Moref, type XmlValue } from './xml.ts';

const defaultMs = 30 * 60_000;
/** One wait for news, which the server ends. */
const waitSeconds = 15;
/** How long a task that was cancelled may take to end, so that what it left can be told. */
const defaultCancelMs = 60_000;
const destroyMs = 5_000;

/**
 * Starts a task and waits for its end. On abort or after its time the task is cancelled, and its end is awaited, so that
 * whoever cleans up finds what it left.
 */
export async function runTask(
  vsphere: Vsphere,
  method: string,
  self: Moref,
  args: readonly SoapArg[],
  options: TaskOptions = {},
): Promise<XmlValue | undefined> {
  const { signal, timeoutMs = defaultMs, cancelMs = defaultCancelMs } = options;
  const task = moref(await vsphere.call(method, self, args, { signal }));
  const what = method.replace(/_Task$/, '');
  const timeout = AbortSignal.timeout(timeoutMs);
  const limit = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    return await ended(vsphere, task, what, limit, options.onProgress);
  } catch (error) {
    if (!limit.aborted) throw error;
    const end = await cancel(vsphere, task, what, cancelMs);
    signal?.throwIfAborted();
    // It was done before it heard that it was to end.
    if (end.is === 'done') return end.result;
    const how = end.is === 'cancelled' ? 'was cancelled' : 'goes on: vSphere does not end it';
    throw new SendenseError('vsphere.busy', `${what} took longer than ${timeoutMs / 1000} s and ${how}`);
  }
}

type CancelEnd =
  | { readonly is: 'done'; readonly result: XmlValue | undefined }
  | { readonly is: 'cancelled' }
  | { readonly is: 'going' };

/** @returns how the task is then; it is going also where nobody can tell */
async function cancel(vsphere: Vsphere, task: Moref, what: string, withinMs: number): Promise<CancelEnd> {
  const signal = AbortSignal.timeout(withinMs);
  // Many tasks cannot be cancelled; then they end by themselves or we have waited long enough.
  await vsphere.call('CancelTask', task, [], { signal }).catch(() => undefined);
  try {
    return { is: 'done', result: await ended(vsphere, task, what, signal) };
  } catch (error) {
    return { is: faultOf(error) !== null && !signal.aborted ? 'cancelled' : 'going' };
  }
}

/** The task's result, once it has ended, over broken connections and ended sessions. Does not cancel it. @throws SendenseError `vsphere.*` */
export async function ended(
  vsphere: Vsphere,
  task: Moref,
  what: string,
  signal: AbortSignal,
  onProgress?: (percent: number) => void,
): Promise<XmlValue | undefined> {
  for (let lost = 0; ; lost++) {
    try {
      return await watch(vsphere, task, what, signal, onProgress);
    } catch (error) {
      signal.throwIfAborted();
      // A collector ends with its session, and so does a connection in the middle of a wait.
      const fault = faultOf(error)?.name ?? '';
      const collectorGone =
        fault === 'InvalidCollectorVersion' ||
        (fault === 'ManagedObjectNotFound' && (await isThere(vsphere, task, signal)));
      const unreachable = toSendenseError(error).code === 'vsphere.unreachable' && !faultOf(error);
      if (!collectorGone && !unreachable) throw error;
      await delay(Math.min(200 * 2 ** lost, 10_000), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

const isThere = async (vsphere: Vsphere, task: Moref, signal: AbortSignal): Promise<boolean> =>
  (await vsphere.properties([task], ['info.state'], { signal })).length > 0;

async function watch(
  vsphere: Vsphere,
  task: Moref,
  what: string,
  signal: AbortSignal,
  onProgress?: (percent: number) => void,
): Promise<XmlValue | undefined> {
  const { propertyCollector } = vsphere.content;
  if (!propertyCollector) throw new SendenseError('vsphere.protocol', 'the server has no property collector');
  const collector = moref(await vsphere.call('CreatePropertyCollector', propertyCollector, [], { signal }));
  try {
    await vsphere.call(
      'CreateFilter',
      collector,
      [
        ['spec', filterOn(task)],
        ['partialUpdates', false],
      ],
      { signal },
    );
    let version = '';
    const known = new Map<string, XmlValue>();
    for (let pause = 10; ; pause = Math.min(pause * 2, 500)) {
      const answer = await vsphere.call(
        'WaitForUpdatesEx',
        collector,
        [
          ['version', version],
          ['options', { fields: [['maxWaitSeconds', waitSeconds]] }],
        ],
        { signal, timeoutMs: (waitSeconds + 45) * 1000 },
      );
      version = optionalText(answer, 'version') ?? version;
      if (news(answer, known)) pause = 10;
      const state = optionalText(known.get('info.state'));
      if (state === 'success') return known.get('info.result');
      if (state === 'error') throw errorOf(what, known.get('info.error'));
      const progress = Number(optionalText(known.get('info.progress')) ?? Number.NaN);
      if (Number.isFinite(progress)) onProgress?.(progress);
      // Some servers answer at once, news or none.
      await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    const destroying = AbortSignal.timeout(destroyMs);
    await vsphere.call('DestroyPropertyCollector', collector, [], { signal: destroying }).catch(() => undefined);
  }
}

const filterOn = (task: Moref): SoapObject => ({
  fields: [
    [
      'propSet',
      {
        fields: [
          ['type', 'Task'],
          ['all', false],
          ['pathSet', ['info.state', 'info.progress', 'info.result', 'info.error']],
        ],
      },
    ],
    ['objectSet', { fields: [['obj', task]] }],
  ],
});

/** Takes over what changed; whether anything did. */
function news(answer: XmlValue | undefined, known: Map<string, XmlValue>): boolean {
  let any = false;
  for (const set of list(answer, 'filterSet')) {
    for (const object of list(set, 'objectSet')) {
      for (const change of list(object, 'changeSet')) {
        const value = at(change, 'val');
        if (value) known.set(text(change, 'name'), value);
        any = true;
      }
    }
  }
  return any;
}

const errorOf = (what: string, error: XmlValue | undefined): SendenseError =>
  faultError(what, at(error, 'fault'), optionalText(error, 'localizedMessage') ?? '');
