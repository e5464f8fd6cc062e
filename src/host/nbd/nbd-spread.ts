import type { LinkEvent, LinkOptions } from './nbd-lasting.ts';
import type { ExportFacts } from './nbd-protocol.ts';
import { connectNbdTarget, type NbdTarget } from './nbd-target.ts';

/** A target that several connections write to, each by the next one of the addresses of its server. */
export interface SpreadOptions {
  /** How to hold on to it. */
  readonly link: LinkOptions;
  /** The server as a first connection found it. */
  readonly server: ExportFacts;
  /** With which of its addresses each connection begins. */
  readonly nths: readonly number[];
  /** One more, which is left open; without it there is at least one of `nths`. */
  readonly first?: NbdTarget | undefined;
  readonly onLink?: ((event: LinkEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws SendenseError as connectNbdTarget */
export async function connectSpread(
  uri: string,
  { link, server, nths, first, onLink, signal }: SpreadOptions,
): Promise<NbdTarget> {
  await using stack = new AsyncDisposableStack();
  const targets = await Promise.all(
    nths.map(async (nth) =>
      stack.use(await connectNbdTarget(uri, { ...link, beside: { server, nth }, onLink, signal })),
    ),
  );
  const made = stack.move();
  return { ...spread(first ? [first, ...targets] : targets), [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** One target of several connections to it: each write goes over the one with the fewest under way, a flush over all. */
function spread(targets: readonly NbdTarget[]): Omit<NbdTarget, keyof AsyncDisposable> {
  const [first] = targets;
  if (first === undefined) throw new Error('no connection to spread over');
  const lanes = targets.map((target) => ({ target, busy: 0 }));
  let last = 0;
  const over = async (act: (target: NbdTarget) => Promise<void>): Promise<void> => {
    last = (last + 1) % lanes.length;
    const inTurn = [...lanes.slice(last), ...lanes.slice(0, last)];
    const lane = inTurn.reduce((least, next) => (next.busy < least.busy ? next : least));
    lane.busy++;
    try {
      await act(lane.target);
    } finally {
      lane.busy--;
    }
  };
  return {
    ...first,
    write: (offset, data) => over((target) => target.write(offset, data)),
    writeZeroes: (offset, length) => over((target) => target.writeZeroes(offset, length)),
    flush: async () => void (await Promise.all(targets.map((target) => target.flush()))),
  };
}
