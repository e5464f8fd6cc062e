import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { SoapArg, SoapObject } from '../encode-soap.ts';
import { faultError, faultOf } from '../fault.ts';
import type { Vsphere } from '../vsphere.ts';
import { at, list, moref, optionalText, plainInteger, text, type Moref, type XmlValue } from '../xml.ts';

/**
 * An import: vSphere has made a VM and waits for its disks. Meanwhile nothing else can be done with the VM. Closing it before
 * {@link complete} aborts it: vSphere removes the VM then.
 */
export interface ImportLease extends AsyncDisposable {
  readonly object: Moref;
  readonly vm: Moref;
  /** Where its one disk goes. */
  readonly url: string;
  /** Of the host in `url`, as vSphere says it; null: it says none. */
  readonly thumbprint: string | null;
  /** Aborts when the lease is lost, with the reason. */
  readonly lost: AbortSignal;
  /** What is told to vSphere from now on, 0 to 1. */
  progress(fraction: number): void;
  /** Why vSphere has ended the lease; null: it has not. */
  fault(): Promise<SendenseError | null>;
  /** The VM stays. @throws SendenseError `vsphere.*`, `transport.failed` where the lease is over */
  complete(): Promise<void>;
}

export interface ImportPlace {
  readonly pool: Moref;
  readonly folder: Moref;
  /** null: the server chooses. */
  readonly host: Moref | null;
}

const abortMs = 30_000;
/** A server says how long it waits; so often it hears of us in that time. */
const tellings = 5;
const longestPauseMs = 30_000;
/** Also where a server says that it waits for no time. */
const shortestPauseMs = 500;
/** Thick disks are filled with zeros before the lease is ready. */
const readyMs = 30 * 60_000;

/**
 * Begins the import of a VM with one disk, and tells vSphere again and again that it goes on.
 * @param spec VirtualMachineConfigSpec
 * @throws SendenseError `vsphere.*` with what vSphere said
 */
export async function openLease(
  vsphere: Vsphere,
  spec: SoapObject,
  { pool, folder, host }: ImportPlace,
  signal?: AbortSignal,
): Promise<ImportLease> {
  const args: readonly SoapArg[] = [
    ['spec', { xsiType: 'VirtualMachineImportSpec', fields: [['configSpec', spec]] }],
    ['folder', folder],
    ['host', host ?? undefined],
  ];
  const object = moref(await vsphere.call('ImportVApp', pool, args, { signal }));
  try {
    return leaseOf(vsphere, object, await readyInfo(vsphere, object, signal));
  } catch (error) {
    await abort(vsphere, object);
    throw error;
  }
}

async function readyInfo(vsphere: Vsphere, object: Moref, signal: AbortSignal | undefined): Promise<XmlValue> {
  const until = performance.now() + readyMs;
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const [shown] = await vsphere.properties([object], ['state', 'error', 'info'], signal ? { signal } : {});
    const state = optionalText(shown?.values.get('state'));
    const info = shown?.values.get('info');
    if (state === 'ready' && info) return info;
    if (state !== 'initializing')
      throw faultIn(shown?.values.get('error')) ?? over(`it is ${state ?? 'not there'} before anything was sent`);
    if (performance.now() > until) throw over('vSphere did not make the VM ready');
    await delay(pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

function leaseOf(vsphere: Vsphere, object: Moref, info: XmlValue): ImportLease {
  const urls = list(info, 'deviceUrl').filter((one) => optionalText(one, 'disk') !== 'false');
  const [only] = urls;
  if (!only || urls.length > 1)
    throw new SendenseError('vsphere.protocol', `vSphere takes ${urls.length} disks in place of one`);
  const [vm, url] = [moref(at(info, 'entity')), text(only, 'url')];
  const seconds = plainInteger(info, 'leaseTimeout');
  const ended = new AbortController();
  const lost = new AbortController();
  let [percent, isComplete] = [0, false];
  const fault = async (): Promise<SendenseError | null> => {
    const [shown] = await vsphere.properties([object], ['state', 'error'], { signal: AbortSignal.timeout(abortMs) });
    if (optionalText(shown?.values.get('state')) === 'ready') return null;
    const why = faultIn(shown?.values.get('error'));
    return over(why?.message ?? 'it is not there any more', why);
  };
  const lose = async (why: SendenseError): Promise<void> => {
    const known = await fault().catch(() => null);
    lost.abort(known ?? over(why.message, why));
  };
  const alive = keepAlive(vsphere, object, { seconds, percent: () => percent, ended: ended.signal, lose });
  return {
    object,
    vm,
    url,
    thumbprint: optionalText(only, 'sslThumbprint') || null,
    lost: lost.signal,
    progress: (fraction) => (percent = Math.min(100, Math.max(percent, Math.trunc(100 * fraction)))),
    fault,
    async complete() {
      ended.abort();
      await alive;
      lost.signal.throwIfAborted();
      await vsphere.call('HttpNfcLeaseProgress', object, [['percent', 100]]);
      await vsphere.call('HttpNfcLeaseComplete', object).catch(async (error: unknown) => {
        if (!(await isDone(vsphere, object))) throw (await fault().catch(() => null)) ?? error;
      });
      isComplete = true;
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await alive;
      if (!isComplete) await abort(vsphere, object);
    },
  };
}

interface Alive {
  readonly seconds: number;
  readonly percent: () => number;
  readonly ended: AbortSignal;
  readonly lose: (error: SendenseError) => Promise<void>;
}

/** A server that cannot be reached for a while has not lost the lease. */
async function keepAlive(vsphere: Vsphere, object: Moref, { seconds, percent, ended, lose }: Alive): Promise<void> {
  const pause = Math.min(longestPauseMs, Math.max(shortestPauseMs, (1000 * seconds) / tellings));
  for (let told = performance.now(); !ended.aborted;) {
    await delay(pause, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    try {
      const how = { signal: ended, timeoutMs: 2 * longestPauseMs };
      await vsphere.call('HttpNfcLeaseProgress', object, [['percent', percent()]], how);
      told = performance.now();
    } catch (cause) {
      if (ended.aborted) return;
      const error = toSendenseError(cause);
      const isAway = error.code === 'vsphere.unreachable' && faultOf(error) === null;
      if (isAway && performance.now() - told < 1000 * seconds) continue;
      await lose(error);
      return;
    }
  }
}

/** The answer to a call may have been lost. */
async function isDone(vsphere: Vsphere, object: Moref): Promise<boolean> {
  const [shown] = await vsphere.properties([object], ['state']).catch(() => []);
  return optionalText(shown?.values.get('state')) === 'done';
}

/** Ends a lease whose VM is not needed. One that is over, or that vSphere does not show to this session, it ends itself. */
export async function abortLease(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<void> {
  await vsphere.call('HttpNfcLeaseAbort', object, [], { signal });
}

const abort = (vsphere: Vsphere, object: Moref): Promise<void> =>
  abortLease(vsphere, object, AbortSignal.timeout(abortMs)).catch(() => undefined);

function faultIn(error: XmlValue | undefined): SendenseError | null {
  const fault = at(error, 'fault');
  return fault ? faultError('ImportVApp', fault, optionalText(error, 'localizedMessage') ?? '') : null;
}

const over = (why: string, cause?: unknown): SendenseError =>
  new SendenseError('transport.failed', `vSphere has ended the import lease: ${why}`, {
    cause,
    remedy: 'Look at the events of the VM and the host in vSphere, then run the restore again.',
  });
