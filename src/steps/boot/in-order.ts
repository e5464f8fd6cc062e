import { SendenseError } from '../../errors/sendense-error.ts';

/** One VM, as its place in an order sees it. */
export interface Placed {
  readonly vm: string;
  readonly after: readonly string[];
}

/** What became of one: whether others may start that have to come after it. */
export interface Outcome {
  readonly isUp: boolean;
}

/** Why one is not started. */
export interface Because {
  /** What did not come up. */
  readonly vm: string;
  /** It has to be up before this one. */
  readonly isBefore: boolean;
}

export interface OrderOptions {
  /** How many may be starting at a time. */
  readonly atOnce: number;
  /** Once one did not come up, no other one is started. */
  readonly stopAtFailure?: boolean;
}

/**
 * Starts all of them, each as soon as those before it are up and there is a place; the first of the list first. One of which another one
 * before it did not come up is not started. Ends when all have ended.
 * @param start must not reject
 * @param skip what becomes of one that is not started
 * @throws SendenseError `plan.invalid` where some wait for one that is not in the list, or for one another
 */
export async function inOrder<T extends Placed, R extends Outcome>(
  all: readonly T[],
  { atOnce, stopAtFailure = false }: OrderOptions,
  { start, skip }: { readonly start: (one: T) => Promise<R>; readonly skip: (one: T, because: Because) => R },
): Promise<R[]> {
  const ended = new Map<string, R>();
  const running = new Map<string, Promise<void>>();
  let firstFailed: string | undefined;
  const run = async (one: T): Promise<void> => {
    const outcome = await start(one);
    ended.set(one.vm, outcome);
    running.delete(one.vm);
    if (!outcome.isUp) firstFailed ??= one.vm;
  };
  for (;;) {
    const before = ended.size;
    for (const one of all) {
      if (ended.has(one.vm) || running.has(one.vm)) continue;
      const failed = one.after.find((name) => ended.get(name)?.isUp === false);
      const because = failed ?? (stopAtFailure ? firstFailed : undefined);
      if (because !== undefined) ended.set(one.vm, skip(one, { vm: because, isBefore: failed !== undefined }));
      else if (running.size < atOnce && one.after.every((name) => ended.has(name))) running.set(one.vm, run(one));
    }
    if (running.size === 0 && all.every(({ vm }) => ended.has(vm))) break;
    // What waits for nothing that runs was just skipped: look again.
    if (running.size === 0 && ended.size === before) throw stuck(all.filter(({ vm }) => !ended.has(vm)));
    if (running.size > 0) await Promise.race(running.values());
  }
  return all.flatMap(({ vm }) => ended.get(vm) ?? []);
}

const stuck = (waiting: readonly Placed[]): SendenseError =>
  new SendenseError(
    'plan.invalid',
    `these wait for one that never starts: ${waiting.map(({ vm, after }) => `${vm} (after ${after.join(', ')})`).join('; ')}`,
    { remedy: 'Correct `after`: it names VMs of the same plan, and no VM waits for itself by way of others.' },
  );
