/**
 * Shell commands for `boundWords` (`first`) of a program that leads a process group: they start a process, nobody's child, that reads from a
 * descriptor whose other end we hold. Where that ends without a word this process is gone, and the watcher kills the group: what the program has
 * started too, and a program that does not end by itself. Should the watcher be killed, the program still is bound to us.
 * @param options.apart file of setsid(1): the watcher is not in the group, so that what the group is told to end by does not end the watcher first
 * @param options.grace from our end until the group is killed, s. With it the watcher is in the group: the number of a group that has ended may
 * be that of another one by then
 */
export const watcherOn = (descriptor: number, options: WatcherOptions = {}): string => {
  const { others = [] } = options;
  const shut = others.map((other) => ` ${other}<&-`).join('');
  return `( ${watching(descriptor, options)} </dev/null >/dev/null 2>&1${shut} & ); exec ${descriptor}<&-;`;
};

export interface WatcherOptions {
  readonly grace?: number;
  /** Descriptors of the program that the watcher must not hold open. */
  readonly others?: readonly number[];
  readonly apart?: string | null;
}

function watching(descriptor: number, { grace = 0, apart = null }: WatcherOptions): string {
  const read = `read -r _ <&${descriptor}`;
  // What leads the group is what this shell becomes.
  if (apart !== null) return `'${apart}' /bin/sh -c '${read} || kill -s KILL -- "-$0"' "$$"`;
  return `{ ${read} || ${grace > 0 ? `{ sleep ${grace}; kill -KILL 0; }` : 'kill -KILL 0'}; }`;
}

/** Says to the watcher that there is nothing to kill: the program has ended by itself, and what it left running is none of ours, or all of it is gone. */
export const nothingToKill = '\n';
