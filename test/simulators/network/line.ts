import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compiled } from '../../support/compiled.ts';
import type { TestHost } from './host.ts';

export interface LineQuality {
  /** There and back. */
  readonly rttMs?: number;
  /** Of the frames of each direction. */
  readonly lossPercent?: number;
  /** Of each direction; default: as much as this machine carries, about 2 Gbit/s. */
  readonly mbitPerSecond?: number;
}

/** What connects two hosts. */
export interface Line extends AsyncDisposable {
  set(quality: LineQuality): Promise<void>;
  /** From now on nothing arrives, and nobody is told: as when somewhere on the way a cable is pulled. */
  cut(): Promise<void>;
  restore(): Promise<void>;
}

/** Gives both hosts an interface of that name, and connects them, well at first. */
export async function layLine(a: TestHost, b: TestHost, name: string): Promise<Line> {
  const child = spawn(await compiled(join(import.meta.dirname, 'line.c')), [a.namespace, b.namespace, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<void> = answered();
  async function answered(): Promise<void> {
    if ((await answers.next()).value !== 'ok') throw new Error(`the line ${name} broke down`);
  }
  const order = (text: string): Promise<void> => {
    child.stdin.write(`${text}\n`);
    return (last = last.then(answered));
  };
  await last;
  return {
    set: ({ rttMs = 0, lossPercent = 0, mbitPerSecond = 0 }) =>
      order(`set ${rttMs} ${lossPercent} ${mbitPerSecond * 1e6}`),
    cut: () => order('cut'),
    restore: () => order('restore'),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/**
 * Both hosts know each other's interface without asking. Else a host says within seconds that a silent neighbour cannot be reached, which
 * no router does.
 */
export async function knowEachOther(a: TestHost, b: TestHost, name: string): Promise<void> {
  for (const [host, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const [, hardware = ''] = /link\/ether (\S+)/.exec(await other.run('ip', '-o', 'link', 'show', name)) ?? [];
    await host.run('ip', 'neigh', 'replace', other.address, 'lladdr', hardware, 'dev', name, 'nud', 'permanent');
  }
}
