import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readPicture, showsWords, type Picture } from '../images/picture.ts';
import { foundNothing } from '../images/qemu-system.ts';
import type { SeenGuest } from '../images/seen-guest.ts';
import { openConsole, type DomainConsole } from './domain-console.ts';
import { domainAgentAnswers, domainState, pictureOfDomain, resumeDomain, startPaused } from './virsh.ts';

export interface StartedDomain {
  readonly uri: string;
  readonly uuid: string;
  /** For pictures; only this user gets into it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Called once the guest may do something. */
  onResumed(): void;
}

/** A VM of libvirt that is on. It stays on when nobody looks at it any more. */
export interface LibvirtGuest extends SeenGuest, AsyncDisposable {
  /** Whether it was on before; what it said on its serial port until then is not known. */
  readonly wasOn: boolean;
  readonly silent: string | null;
}

/** Pictures are looked for words at most so often, ms. */
const lookMs = 1000;

/**
 * Starts a VM of libvirt, unless it is on. It waits for who reads its serial port, so that nothing is missed of what it says.
 * @throws SendenseError `tool.failed` where libvirt does not start it; on abort the signal's reason
 */
export async function startDomain(options: StartedDomain): Promise<LibvirtGuest> {
  const { uri, uuid, folder, signal } = options;
  const wasOn = (await domainState(uri, uuid, signal)) !== 'shut off';
  if (!wasOn) await startPaused(uri, uuid, signal);
  const console = await openConsole(uri, uuid, { wasOn, signal });
  try {
    // Also one that an attempt before this one has left so.
    if ((await domainState(uri, uuid, signal)) === 'paused') await resumeDomain(uri, uuid, signal);
    options.onResumed();
  } catch (error) {
    await console[Symbol.asyncDispose]();
    throw error;
  }
  const picture = (): Promise<Picture | null> => takePicture({ uri, uuid, file: join(folder, 'screen'), signal });
  return {
    wasOn,
    get silent() {
      return console.problem;
    },
    isRunning: async () => !['shut off', 'crashed'].includes(await domainState(uri, uuid, signal)),
    serial: async () => console.said(),
    foundNothing: looksForNothing(console, picture),
    agentAnswers: () => domainAgentAnswers(uri, uuid, signal),
    picture,
    [Symbol.asyncDispose]: () => console[Symbol.asyncDispose](),
  };
}

/** UEFI says it on the serial port, a BIOS on the screen alone. */
function looksForNothing(console: DomainConsole, picture: () => Promise<Picture | null>): () => Promise<boolean> {
  let looked = -Infinity;
  return async () => {
    if (foundNothing('', console.said())) return true;
    if (performance.now() - looked < lookMs) return false;
    looked = performance.now();
    const shown = await picture();
    return shown !== null && showsWords(shown, 'No bootable device.');
  };
}

async function takePicture({
  file,
  ...domain
}: {
  readonly uri: string;
  readonly uuid: string;
  readonly file: string;
  readonly signal: AbortSignal;
}): Promise<Picture | null> {
  try {
    await pictureOfDomain(domain.uri, domain.uuid, file, domain.signal);
    return readPicture(await readFile(file));
  } catch {
    domain.signal.throwIfAborted();
    return null;
  } finally {
    await rm(file, { force: true });
  }
}
