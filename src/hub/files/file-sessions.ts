import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { createSpare } from '../../files/reader/spare.ts';
import type { PointChoice } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
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
  /** Who asks. */
  readonly who: string;
}

/** The restore points of a hub. */
export interface KnownPoints {
  choose(
    asked: Omit<OpenRequest, 'repository' | 'who'> & { readonly repository: string },
  ): Promise<{ readonly backup_id: string }>;
  lines(filter: { readonly vm: string }): Promise<readonly { readonly repository: string }[]>;
}

/** The restore points that are open in this process. */
export interface FileSessions extends AsyncDisposable {
  /** One that is open already is used again. @throws SendenseError `files.limit`, and as `withFiles` */
  open(request: OpenRequest): Promise<OpenFiles>;
  /** Compares two restore points by their block indexes; opens none. @throws SendenseError `point.unknown`, `usage`, `files.busy` */
  compare(
    before: Omit<OpenRequest, 'who'>,
    after: Omit<OpenRequest, 'who'>,
    signal: AbortSignal,
  ): Promise<PointComparison>;
  all(): readonly OpenFiles[];
  /** @throws SendenseError `files.session` */
  one(id: string): OpenFiles;
  /** Downloads and archives, also of one that has ended lately. @throws SendenseError `files.session` */
  transfers(id: string): readonly Transfer[];
  /** @throws SendenseError `files.session` */
  close(id: string): Promise<void>;
  /** How many are open or being opened. */
  readonly count: number;
  /** Nothing is open and nobody asks: ends the reader that waits. */
  rest(): PromiseLike<void>;
}

interface Held extends CountedSession {
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
): FileSessions {
  const spare = createSpare(join(folder, 'readers'), reader);
  const held = new Map<string, Held>();
  const ended = lately();
  const open = new Map<string, { readonly files: OpenFiles; readonly key: string; isServed(): Promise<boolean> }>();
  const hold = (key: string, request: Parameters<typeof withFiles>[2], who: string): Held => {
    const ending = Promise.withResolvers<void>();
    const started = Promise.withResolvers<OpenFiles>();
    let remainingMs = (): number => limits.idleMs;
    const over = withFiles(services, spare, request, async (session) => {
      const kept = keepOpen(services.state, session, { ...request, limits, end: ending.resolve });
      ({ remainingMs } = kept);
      open.set(session.id, { files: kept.files, key, isServed: session.isServed });
      started.resolve(kept.files);
      // The next one finds a reader that has started.
      spare.prepare();
      const why = await Promise.race([ending.promise, session.gone]);
      kept.stop(why ?? undefined);
      open.delete(session.id);
      ended.add(session.id, kept.files.transfers);
    }).catch((error: unknown) => started.reject(error));
    void over.finally(() => held.delete(key));
    return { who, files: started.promise, over, end: ending.resolve, remainingMs: () => remainingMs() };
  };
  const meant = async ({ vm, repository: named, choice, identity }: Omit<OpenRequest, 'who'>) => {
    const repository = named ?? (await repositoryOf(hub, vm));
    const { backup_id: id } = await hub.choose({ vm, repository, choice, identity });
    return { repository, id };
  };
  const comparer = createComparer(services);
  // They open no session, in which work is limited.
  const comparisons = workload(limits);
  const compared = async (asked: Omit<OpenRequest, 'who'>): Promise<ComparedPoint> => {
    const { repository, id } = await meant(asked);
    const key = keyOf(repository, asked.vm, id);
    const files = [...open.values()].find((one) => one.key === key)?.files ?? null;
    return { key: { repository, context: asked.vm, backupId: id }, files };
  };
  const sessions: FileSessions = {
    async compare(before, after, signal) {
      using _work = comparisons.enter('search');
      return await comparer(await compared(before), await compared(after), signal);
    },
    get count() {
      return held.size;
    },
    async open(asked) {
      await mkdir(join(folder, 'readers'), { recursive: true, mode: 0o700 });
      const { vm, identity, who } = asked;
      const { repository, id } = await meant(asked);
      const key = keyOf(repository, vm, id);
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
      const one = hold(key, request, who);
      held.set(key, one);
      return one.files;
    },
    all: () => [...open.values()].map(({ files }) => files),
    one: (id) => open.get(id)?.files ?? notOpen(id),
    transfers: (id) => (open.get(id)?.files.transfers ?? ended.one(id) ?? notOpen(id)).all(),
    async close(id) {
      const one = held.get(open.get(id)?.key ?? '') ?? notOpen(id);
      one.end();
      await one.over;
    },
    rest: () => spare[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      const all = [...held.values()];
      for (const one of all) one.end();
      await Promise.all(all.map(({ over }) => over));
      await spare[Symbol.asyncDispose]();
    },
  };
  return sessions;
}

const keyOf = (...words: readonly [repository: string, vm: string, id: string]): string => JSON.stringify(words);

/** Sessions that ended last: who asks why a download broke off comes after that. */
function lately(): { add(id: string, transfers: Transfers): void; one(id: string): Transfers | undefined } {
  const kept = new Map<string, Transfers>();
  return {
    add(id, transfers) {
      kept.set(id, transfers);
      for (const old of kept.keys()) {
        if (kept.size <= mostEnded) break;
        kept.delete(old);
      }
    },
    one: (id) => kept.get(id),
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
