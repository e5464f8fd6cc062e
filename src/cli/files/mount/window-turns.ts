/** Who has a window of a file open. */
export interface TurnHolder {
  /** How long no read has waited for a piece of the window, ms; null: one does. */
  idleMs(): number | null;
  /** The turn is over: the window closes. The next read takes another turn. */
  drop(): void;
}

/** How many windows are open at the same time. A file stays open between reads for as long as its reader likes. */
export interface WindowTurns {
  take(holder: TurnHolder): Promise<void>;
  /** A read has ended: if others wait, its turn may be over. */
  rest(): void;
  /** The holder needs no turn any more. */
  leave(holder: TurnHolder): void;
}

/** Each window is a connection to whoever answers, and a download there. */
const mostOpen = 6;
/** If others wait, a window closes between two reads: when nobody has read it for so long, or it has been open for so long, ms. */
const idleMs = 100;
const shareMs = 2000;
const lookMs = 50;

export function windowTurns(most = mostOpen): WindowTurns {
  /** Since when; the oldest first. */
  const held = new Map<TurnHolder, number>();
  const waiting = new Map<TurnHolder, () => void>();
  let timer: NodeJS.Timeout | undefined;

  const endOne = (): boolean => {
    for (const [holder, since] of held) {
      const idle = holder.idleMs();
      if (idle === null || (idle < idleMs && performance.now() - since < shareMs)) continue;
      held.delete(holder);
      holder.drop();
      return true;
    }
    return false;
  };
  const settle = (): void => {
    clearTimeout(timer);
    for (const [holder, go] of waiting) {
      if (held.size >= most && !endOne()) {
        timer = setTimeout(settle, lookMs);
        return;
      }
      waiting.delete(holder);
      held.set(holder, performance.now());
      go();
    }
  };
  return {
    take: (holder) =>
      new Promise((resolve) => {
        // A reader that goes on with the next window goes to the end of the line.
        held.delete(holder);
        waiting.set(holder, resolve);
        settle();
      }),
    rest() {
      if (waiting.size > 0) settle();
    },
    leave(holder) {
      held.delete(holder);
      const go = waiting.get(holder);
      waiting.delete(holder);
      go?.();
      settle();
    },
  };
}
