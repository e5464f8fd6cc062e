import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Guest as StartedGuest } from '../../host/images/qemu-system.ts';

type Guest = Omit<StartedGuest, 'process' | typeof Symbol.asyncDispose>;

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
  | { readonly sign: null; readonly problem: string };

const pauseMs = 250;

/** Waits until one of the signs shows that the guest is up, until it ends by itself, or until `timeoutMs` have passed. */
export async function watchGuest(
  guest: Guest,
  signs: Signs,
  options: { readonly folder: string; readonly timeoutMs: number; readonly signal: AbortSignal; alive(): void },
): Promise<Seen> {
  const { folder, timeoutMs, signal, alive } = options;
  const end = performance.now() + timeoutMs;
  const isStill = signs.stillMs === null ? null : stillPicture(guest, join(folder, 'screen.ppm'), signs.stillMs);
  for (;;) {
    if (signs.serial !== null && (await guest.serial()).includes(signs.serial))
      return { sign: 'serial', problem: null };
    if (!guest.isRunning()) return { sign: null, problem: `it shut itself down${await lastWords(guest)}` };
    if (signs.agent && (await guest.agentAnswers())) return { sign: 'agent', problem: null };
    if (await guest.foundNothing()) return { sign: null, problem: 'its firmware finds no disk that it can start from' };
    if (await isStill?.()) return { sign: 'picture', problem: null };
    if (performance.now() >= end)
      return { sign: null, problem: `no sign of life within ${timeoutMs / 1000} s${await lastWords(guest)}` };
    alive();
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** A cursor that blinks makes no new picture: counts since one was seen that was never there before. */
function stillPicture(guest: Guest, file: string, stillMs: number): () => Promise<boolean> {
  const known = new Set<string>();
  let since = performance.now();
  return async () => {
    try {
      await guest.screenshot(file, 'ppm');
    } catch {
      return false;
    }
    const picture = await readFile(file);
    await rm(file, { force: true });
    const digest = createHash('sha256').update(picture).digest('hex');
    if (!known.has(digest)) since = performance.now();
    known.add(digest);
    return performance.now() - since >= stillMs && !isBlank(picture);
  };
}

/** One colour only. A PPM ends with its pixels, three bytes each. */
function isBlank(picture: Buffer): boolean {
  const header = /^P6\s+\d+\s+\d+\s+\d+\s/.exec(picture.toString('latin1', 0, 64))?.[0].length ?? 0;
  const pixels = picture.subarray(header);
  return pixels.subarray(3).equals(pixels.subarray(0, -3));
}

const lastCharacters = 200;

async function lastWords(guest: Guest): Promise<string> {
  const said = (await guest.serial()).replace(/[^\x20-\x7e\n]/g, '').trim();
  return said === '' ? '' : `; the last on its serial console: ${said.slice(-lastCharacters).replaceAll('\n', ' ')}`;
}
