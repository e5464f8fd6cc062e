/**
 * Shell commands for `boundWords` (`first`) of a program that leads a process group: they start a process in that group, nobody's child, that reads
 * from a descriptor whose other end we hold. Where that ends without a word this process is gone, and the watcher kills the group: what the program
 * has started too, and a program that does not end by itself. Should the watcher be killed, the program still is bound to us.
 * @param grace from our end until the group is killed, s
 */
export const watcherOn = (descriptor: number, { grace = 0, others = [] }: WatcherOptions = {}): string => {
  const kill = grace > 0 ? `{ sleep ${grace}; kill -KILL 0; }` : 'kill -KILL 0';
  const shut = others.map((other) => ` ${other}<&-`).join('');
  return `( { read -r _ <&${descriptor} || ${kill}; } </dev/null >/dev/null 2>&1${shut} & ); exec ${descriptor}<&-;`;
};

export interface WatcherOptions {
  readonly grace?: number;
  /** Descriptors of the program that the watcher must not hold open. */
  readonly others?: readonly number[];
}

/** Says to the watcher that the program has ended by itself: what that left running is none of ours. */
export const endedByItself = '\n';
