import type { LinkEvent } from '../host/nbd/nbd-lasting.ts';

/** How the connections of a job to the hub fare. Most break together; as long as one of them is away, that is one break. */
export interface LinkWatch {
  onLink(event: LinkEvent): void;
  /** How often it broke and for how long; null where it did not. */
  summary(): string | null;
}

export interface LinkWatchOptions {
  log(level: 'info' | 'warn', message: string): void;
  /** Called when that changes. */
  onBroken(isBroken: boolean): void;
}

export function createLinkWatch({ log, onBroken }: LinkWatchOptions): LinkWatch {
  let [away, breaks, since, totalMs] = [0, 0, 0, 0];
  return {
    onLink(event) {
      if (event.state === 'lost' && away++ === 0) {
        breaks++;
        since = performance.now();
        onBroken(true);
        log('warn', `the connection to the hub broke: ${event.why}`);
      }
      if (event.state === 'back' && --away === 0) {
        const ms = performance.now() - since;
        totalMs += ms;
        onBroken(false);
        log('info', `the connection to the hub is back after ${seconds(ms)}`);
      }
    },
    summary() {
      if (breaks === 0) return null;
      const ms = totalMs + (away > 0 ? performance.now() - since : 0);
      return `the connection to the hub broke ${breaks === 1 ? 'once' : `${breaks} times`}, ${seconds(ms)} in all`;
    },
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
