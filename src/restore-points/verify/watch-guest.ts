import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isBlank } from '../../host/images/picture.ts';
import type { SeenGuest } from '../../host/images/seen-guest.ts';

export interface Signs {
  /** Text on the serial port. */
  readonly serial: string | null;
  readonly agent: boolean;
  /** The picture does not change for so many ms; null: it is not looked at. */
  readonly stillMs: number | null;
}

/** The first sign that came, or why none did. */
export type Seen =
  | { readonly sign: 'serial' | 'agent' | 'picture'; readonly problem: null }
  | {
      readonly sign: null;
      readonly problem: string;
      /** The only sign that was waited for can never be seen. Nobody knows whether the guest is up. */
      readonly unheard?: true;
    };

const pauseMs = 250;

/** Waits until one of the signs shows that the guest is up, until it ends by itself, or until `timeoutMs` have passed. */
export async function watchGuest(
  guest: SeenGuest,
  signs: Signs,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; alive(): void },
): Promise<Seen> {
  const { timeoutMs, signal, alive } = options;
  const end = performance.now() + timeoutMs;
  const isStill = signs.stillMs === null ? null : stillPicture(guest, signs.stillMs);
  let wasUnheard = false;
  for (;;) {
    if (signs.serial !== null && (await guest.serial()).includes(signs.serial))
      return { sign: 'serial', problem: null };
    if (!(await guest.isRunning())) return { sign: null, problem: `it shut itself down${await lastWords(guest)}` };
    // Twice: its serial port ends a moment before it is seen that the guest has ended.
    const nowUnheard = isUnheard(guest, signs);
    if (nowUnheard && wasUnheard)
      return { sign: null, problem: `its serial port cannot be read: ${guest.silent}`, unheard: true };
    wasUnheard = nowUnheard;
    if (signs.agent && (await guest.agentAnswers())) return { sign: 'agent', problem: null };
    if (await guest.foundNothing()) return { sign: null, problem: 'its firmware finds no disk that it can start from' };
    if (await isStill?.()) return { sign: 'picture', problem: null };
    if (performance.now() >= end)
      return { sign: null, problem: `no sign of life within ${timeoutMs / 1000} s${await lastWords(guest)}` };
    alive();
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const isUnheard = ({ silent = null }: SeenGuest, { serial, agent, stillMs }: Signs): boolean =>
  silent !== null && serial !== null && !agent && stillMs === null;

/** A cursor that blinks makes no new picture: counts since one was seen that was never there before. */
function stillPicture(guest: SeenGuest, stillMs: number): () => Promise<boolean> {
  const known = new Set<string>();
  let since = performance.now();
  return async () => {
    const picture = await guest.picture();
    if (picture === null) return false;
    const digest = createHash('sha256').update(picture.rgb).digest('hex');
    if (!known.has(digest)) since = performance.now();
    known.add(digest);
    return performance.now() - since >= stillMs && !isBlank(picture);
  };
}

const lastCharacters = 200;

async function lastWords(guest: SeenGuest): Promise<string> {
  const said = (await guest.serial()).replace(/[^\x20-\x7e\n]/g, '').trim();
  return said === '' ? '' : `; the last on its serial console: ${said.slice(-lastCharacters).replaceAll('\n', ' ')}`;
}
