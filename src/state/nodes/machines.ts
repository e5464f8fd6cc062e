/** A machine that has shown the key of a node. */
export interface Machine {
  /** Of its start: no machine has the one of another, and none gets one again that it had before. */
  readonly bootId: string;
  readonly hostname: string;
  readonly peer: string;
}

/** Who has the key of one node. */
export interface Machines {
  readonly current: Machine;
  /** The one before it: the same machine before a restart, or another one. */
  readonly before: Machine | null;
  /** Another machine that has the key at the same time, and is refused until somebody decides. Ms since the epoch. */
  readonly other: (Machine & { readonly seen: number }) | null;
}
