/** What becomes due at a time; the earliest first. */
export interface Due {
  /** When the run begins: the slot and the plan's jitter, ms since the epoch. */
  readonly at: number;
  readonly plan: string;
  readonly slot: number;
}

export interface DueQueue {
  readonly size: number;
  push(due: Due): void;
  /** The earliest; it stays. */
  first(): Due | undefined;
  /** Takes the earliest out. */
  pop(): Due | undefined;
}

/** A binary heap: ten thousand plans cost one timer, and each change a dozen comparisons. */
export function createDueQueue(): DueQueue {
  const heap: Due[] = [];
  const atOf = (index: number): number => heap[index]?.at ?? Infinity;
  const swap = (a: number, b: number): void => {
    const [left, right] = [heap[a], heap[b]];
    if (left && right) [heap[a], heap[b]] = [right, left];
  };
  return {
    get size() {
      return heap.length;
    },
    push(due) {
      heap.push(due);
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (atOf(parent) <= atOf(at)) break;
        swap(parent, at);
        at = parent;
      }
    },
    first: () => heap[0],
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || !last) return first;
      heap[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const least = atOf(left + 1) < atOf(left) ? left + 1 : left;
        if (atOf(least) >= atOf(at)) break;
        swap(least, at);
        at = least;
      }
      return first;
    },
  };
}
