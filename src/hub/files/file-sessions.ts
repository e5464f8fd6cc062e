import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { createSpare } from '../../files/reader/spare.ts';
import type { PointChoice } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import { isKnownCaller } from '../access/known-caller.ts';
import { assertRoom, workload, type CountedSession, type FileLimits } from './file-limits.ts';
import { withFiles } from './files-session.ts';
import { keepOpen, type OpenFiles } from './open-files.ts';
import type { Transfer, Transfers } from './transfers.ts';
import { createComparer, type ComparedPoint, type PointComparison } from './point-comparison.ts';

export interface OpenRequest {
  readonly vm: string;
  /** Default: the one that has the VM. */
  readonly repository: string | undefined;
  readonly choice: PointChoice;
  readonly identity: string | undefined;
}

/** Who asks. */
export interface FilesCaller {
  /** As the record of what was read calls it. */
  readonly who: string;
  /** Tells it from others that were, or will be, called so. */
  readonly identity: string;
  /** Where it called from; null: from this machine, by no address. */
  readonly address: string | null;
  /** Sees and closes what others have open: restore points that are open cannot be removed. */
  readonly mayCloseAll: boolean;
}

/** The restore points of a hub. */
export interface KnownPoints {
  choose(
    asked: Omit<OpenRequest, 'repository'> & { readonly repository: string },
  ): Promise<{ readonly backup_id: string }>;
  lines(filter: { readonly vm: string }): Promise<readonly { readonly repository: string }[]>;
}

/** The restore points that one caller has open in this process. What others unlocked there is not open to it. */
export interface FileSessions {
  /** One that the caller has open already is used again. @throws SendenseError `files.limit`, and as `withFiles` */
  open(request: OpenRequest): Promise<OpenFiles>;
  /** Compares two restore points by their block indexes; opens none. @throws SendenseError `point.unknown`, `usage`, `files.busy` */
  compare(before: OpenRequest, after: OpenRequest, signal: AbortSignal): Promise<PointComparison>;
  /** Also those of others, where the caller may close them. */
  all(): readonly OpenFiles[];
  /** @throws SendenseError `files.session` */
  one(id: string): OpenFiles;
  /** Downloads and archives, also of one that has ended lately. @throws SendenseError `files.session` */
  transfers(id: string): readonly Transfer[];
  /** Writes down who closes it. @throws SendenseError `files.session` */
  close(id: string): Promise<void>;
}

/** The restore points that are open in this process. */
export interface AllFileSessions extends AsyncDisposable {
  /** What a caller has open, and may open. */
  of(caller: FilesCaller): FileSessions;
  /** How many are open or being opened. */
  readonly count: number;
  /** Ends what those had opened who are let in no more: nobody else may close it, and it counts for nothing. */
  endLost(): void;
  /** Nothing is open and nobody asks: ends the reader that waits. */
  rest(): PromiseLike<void>;
}

interface Held extends CountedSession {
  /** Of who opened it; empty: that is not known. */
  readonly identity: string;
  readonly files: Promise<OpenFiles>;
  /** Resolves when all of it is gone. */
  readonly over: Promise<unknown>;
  end(): void;
}

export interface FileSessionParts {
  readonly hub: KnownPoints;
  readonly services: Services;
  /** Private; readers have folders of their own in it. */
  readonly folder: string;
  /** Name of the way to read; undefined: the best that this machine has. */
  readonly reader: string | undefined;
}

export function createFileSessions(
  { hub, services, folder, reader }: FileSessionParts,
  limits: FileLimits,
): AllFileSessions {
  const spare = createSpare(join(folder, 'readers'), reader);
  const held = new Map<string, Held>();
  const ended = lately();
  const open = new Map<string, Open>();
  const hold = (
    key: string,
    request: Parameters<typeof withFiles>[2],
    { who, identity }: Pick<FilesCaller, 'who' | 'identity'>,
  ): Held => {
    const owner = ownerOf({ who, identity });
    const ending = Promise.withResolvers<void>();
    const started = Promise.withResolvers<OpenFiles>();
    let remainingMs = (): number => limits.idleMs;
    const over = withFiles(services, spare, request, async (session) => {
      const kept = keepOpen(services.state, session, { ...request, who, limits, end: ending.resolve });
      ({ remainingMs } = kept);
      open.set(session.id, { files: kept.files, key, owner, isServed: session.isServed });
      started.resolve(kept.files);
      // The next one finds a reader that has started.
      spare.prepare();
      const why = await Promise.race([ending.promise, session.gone]);
      kept.stop(why ?? undefined);
      open.delete(session.id);
      ended.add(session.id, { owner, transfers: kept.files.transfers });
    }).catch((error: unknown) => started.reject(error));
    void over.finally(() => held.delete(key));
    return { who, identity, files: started.promise, over, end: ending.resolve, remainingMs: () => remainingMs() };
  };
  const meant = async ({ vm, repository: named, choice, identity }: OpenRequest) => {
    const repository = named ?? (await repositoryOf(hub, vm));
    const { backup_id: id } = await hub.choose({ vm, repository, choice, identity });
    return { repository, id };
  };
  const comparer = createComparer(services);
  // They open no session, in which work is limited.
  const comparisons = workload(limits);
  const compared = async (asked: OpenRequest, owner: string): Promise<ComparedPoint> => {
    const { repository, id } = await meant(asked);
    const key = keyOf(owner, repository, asked.vm, id);
    const files = [...open.values()].find((one) => one.key === key)?.files ?? null;
    return { key: { repository, context: asked.vm, backupId: id }, files };
  };
  const of = (caller: FilesCaller): FileSessions => {
    const { who, address, mayCloseAll } = caller;
    const owner = ownerOf(caller);
    const own = (id: string): Open | undefined => {
      const found = open.get(id);
      return found?.owner === owner ? found : undefined;
    };
    return {
      async compare(before, after, signal) {
        using _work = comparisons.enter('search');
        return await comparer(await compared(before, owner), await compared(after, owner), signal);
      },
      async open(asked) {
        await mkdir(join(folder, 'readers'), { recursive: true, mode: 0o700 });
        const { vm, identity } = asked;
        const { repository, id } = await meant(asked);
        const key = keyOf(owner, repository, vm, id);
        // One that is ending is waited for.
        for (let known = held.get(key); known; known = held.get(key)) {
          const files = await known.files;
          if (await open.get(files.info().id)?.isServed()) {
            files.stay();
            return files;
          }
          known.end();
          await known.over;
        }
        assertRoom([...held.values()], who, limits);
        const request = { repository, vm, choice: id, identity, signal: AbortSignal.timeout(openMs) };
        const one = hold(key, request, caller);
        held.set(key, one);
        return one.files;
      },
      all: () => [...open.values()].filter((one) => mayCloseAll || one.owner === owner).map(({ files }) => files),
      one: (id) => own(id)?.files ?? notOpen(id),
      transfers: (id) => (own(id)?.files.transfers ?? ended.one(id, owner) ?? notOpen(id)).all(),
      async close(id) {
        const found = (mayCloseAll ? open.get(id) : own(id)) ?? notOpen(id);
        const one = held.get(found.key) ?? notOpen(id);
        found.files.begin({ who, address, action: 'close' })();
        one.end();
        await one.over;
      },
    };
  };
  return {
    of,
    get count() {
      return held.size;
    },
    endLost() {
      const now = Date.now();
      for (const one of held.values()) if (!isKnownCaller(services.state, one.identity, now)) one.end();
    },
    rest: () => spare[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      const all = [...held.values()];
      for (const one of all) one.end();
      await Promise.all(all.map(({ over }) => over));
      await spare[Symbol.asyncDispose]();
    },
  };
}

interface Open {
  readonly files: OpenFiles;
  /** Of what is held. */
  readonly key: string;
  readonly owner: string;
  isServed(): Promise<boolean>;
}

/** Whose a session is. */
const ownerOf = ({ who, identity }: Pick<FilesCaller, 'who' | 'identity'>): string => JSON.stringify([who, identity]);

/** Nobody shares a session: what one unlocks in it would be open to the other. */
const keyOf = (...words: readonly [owner: string, repository: string, vm: string, id: string]): string =>
  JSON.stringify(words);

interface Ended {
  readonly owner: string;
  readonly transfers: Transfers;
}

/** Sessions that ended last: who asks why a download broke off comes after that. */
function lately(): { add(id: string, session: Ended): void; one(id: string, owner: string): Transfers | undefined } {
  const kept = new Map<string, Ended>();
  return {
    add(id, session) {
      kept.set(id, session);
      for (const old of kept.keys()) {
        if (kept.size <= mostEnded) break;
        kept.delete(old);
      }
    },
    one(id, owner) {
      const found = kept.get(id);
      return found?.owner === owner ? found.transfers : undefined;
    },
  };
}

const mostEnded = 50;

/** Opening one takes no longer, ms. */
const openMs = 120_000;

function notOpen(id: string): never {
  throw new SendenseError('files.session', `no restore point is open as ${id}`);
}

/** The one that has the VM. @throws SendenseError `point.unknown`, `usage` */
async function repositoryOf(hub: Pick<KnownPoints, 'lines'>, vm: string): Promise<string> {
  const names = [...new Set((await hub.lines({ vm })).map(({ repository }) => repository))];
  const [only, ...others] = names;
  if (only === undefined) throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
  if (others.length > 0) throw new SendenseError('usage', `${vm} is in ${names.join(' and ')}: say --repository`);
  return only;
}
