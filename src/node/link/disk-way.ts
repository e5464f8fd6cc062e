import { setTimeout as delay } from 'node:timers/promises';
import { toSendenseError, type SendenseError } from '../../errors/sendense-error.ts';
import { isInstalled } from '../../host/spawn-bound.ts';
import type { Forward, TunnelOptions } from '../../host/ssh/tunnel.ts';
import { openDataLink, probeData, type DataLink, type DataLinkOptions, type DataProbe } from './data-link.ts';
import { diskForwards } from './link-forwards.ts';

/** How the disks at the hub are reached: by a connection of their own, or by the link with everything else. */
export interface DiskWay extends DataLink {
  /** What the link has to forward for it. */
  readonly local: readonly Forward[];
}

export interface DiskWayOptions extends Omit<DataLinkOptions, 'onGivenUp'> {
  readonly program: NonNullable<TunnelOptions['program']>;
  /** Why a connection of their own was given up; null where it was not. */
  readonly givenUp: string | null;
  /** When to try again whether it can be made, ms. */
  readonly retryMs: number;
  /** Another way is to be taken: `givenUp` says why, or null where a connection of their own can be made again. */
  readonly onOther: (givenUp: string | null) => void;
}

/** The connection of their own where the hub offers it and ssh is there; else, and after that failed, the link. */
export function openDiskWay(options: DiskWayOptions): DiskWay {
  const { enrolment, program, givenUp } = options;
  const can = enrolment.data === 'connection' && program !== 'ssh2' && isInstalled('ssh');
  if (!can || givenUp !== null) return withLink(options, can);
  const onGivenUp = (error: SendenseError): void => {
    options.log('warn', `the disks go with the link: ${error.message}`, { code: error.code });
    options.onOther(error.message);
  };
  return { ...openDataLink({ ...options, onGivenUp }), local: [] };
}

function withLink(options: DiskWayOptions, retries: boolean): DiskWay {
  const { enrolment, say, onState, givenUp } = options;
  const stop = new AbortController();
  let isUp = false;
  let probe: DataProbe | null = null;

  const keepTrying = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await delay(options.retryMs, undefined, { signal: stop.signal });
      if (!isUp) continue;
      try {
        await using trying = (probe = probeData(options));
        await trying.ready(AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]));
        options.log('info', 'the disks go by a connection of their own again');
        return options.onOther(null);
      } catch (error) {
        options.log('info', `the disks still go with the link: ${toSendenseError(error).message}`);
      } finally {
        probe = null;
      }
    }
  };
  const ended = retries ? keepTrying().catch(() => {}) : Promise.resolve();
  const show = (): void => onState({ way: 'tunnel', state: isUp ? 'up' : 'connecting', error: givenUp });
  show();
  return {
    local: diskForwards(enrolment),
    take: (line) => probe?.take(line) ?? false,
    linkIs: (up) => {
      isUp = up;
      // A hub that offers another way wants to know.
      if (up && enrolment.data === 'connection') say(JSON.stringify({ data: 'builtin' }));
      show();
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}
