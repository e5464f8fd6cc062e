import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Answer, Ask, RequestName, Volume } from '../../files/protocol.ts';
import { createSpare } from '../../files/reader/spare.ts';
import type { Reader } from '../../files/reader/start-reader.ts';
import type { FilesOutput, PointChoice } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import { recordRead, type FileRead } from '../../state/files/file-reads.ts';
import type { State } from '../../state/database/open-state.ts';
import { withFiles, type FilesSession } from './files-session.ts';

export interface OpenRequest {
  readonly vm: string;
  /** Default: the one that has the VM. */
  readonly repository: string | undefined;
  readonly choice: PointChoice;
  readonly identity: string | undefined;
}

/** The restore points of a hub. */
export interface KnownPoints {
  choose(
    asked: Omit<OpenRequest, 'repository'> & { readonly repository: string },
  ): Promise<{ readonly backup_id: string }>;
  lines(filter: { readonly vm: string }): Promise<readonly { readonly repository: string }[]>;
}

export interface FileLimits {
  /** A session without a request ends after so long, ms. */
  readonly idleMs: number;
  /** Sessions at a time. */
  readonly sessions: number;
}

export const usualLimits: FileLimits = { idleMs: 3_600_000, sessions: 20 };

/** One open restore point. */
export interface OpenFiles {
  info(): FilesOutput;
  /** As a reader's `ask`; the session does not end meanwhile. */
  ask<N extends RequestName>(
    name: N,
    ask: Ask<N>,
    options?: { readonly signal?: AbortSignal | undefined; onBytes?(bytes: Buffer): Promise<void> | void },
  ): Promise<Answer<N>>;
  /** As a reader's `read`: the content of a file; the session does not end meanwhile. */
  read: Reader['read'];
  /** Opens a LUKS volume; `info` has what is in it then. */
  unlock(volume: string, passphrase: string): Promise<void>;
  /** Writes down who did what. */
  record(read: Pick<FileRead, 'who' | 'action' | 'volume' | 'path' | 'bytes' | 'error'>): void;
}

/** The restore points that are open in this process. */
export interface FileSessions extends AsyncDisposable {
  /** One that is open already is used again. @throws SendenseError `files.limit`, and as `withFiles` */
  open(request: OpenRequest): Promise<OpenFiles>;
  all(): readonly OpenFiles[];
  /** @throws SendenseError `files.session` */
  one(id: string): OpenFiles;
  /** @throws SendenseError `files.session` */
  close(id: string): Promise<void>;
  /** How many are open or being opened. */
  readonly count: number;
}

interface Held {
  readonly files: Promise<OpenFiles>;
  /** Resolves when all of it is gone. */
  readonly over: Promise<unknown>;
  end(): void;
}

/** @param folder private; readers have folders of their own in it */
export function createFileSessions(
  { hub, services, folder }: { readonly hub: KnownPoints; readonly services: Services; readonly folder: string },
  limits: FileLimits = usualLimits,
): FileSessions {
  const spare = createSpare(join(folder, 'readers'));
  const held = new Map<string, Held>();
  const open = new Map<string, { readonly files: OpenFiles; readonly key: string }>();
  const hold = (key: string, request: Parameters<typeof withFiles>[2]): Held => {
    const ending = Promise.withResolvers<void>();
    const started = Promise.withResolvers<OpenFiles>();
    const over = withFiles(services, spare, request, async (session) => {
      const kept = keep(services.state, session, { ...request, idleMs: limits.idleMs, end: ending.resolve });
      open.set(session.id, { files: kept.files, key });
      started.resolve(kept.files);
      // The next one finds a reader that has started.
      spare.prepare();
      await Promise.race([ending.promise, session.gone]);
      kept.stop();
      open.delete(session.id);
    }).catch((error: unknown) => started.reject(error));
    void over.finally(() => held.delete(key));
    return { files: started.promise, over, end: ending.resolve };
  };
  const sessions: FileSessions = {
    get count() {
      return held.size;
    },
    async open({ vm, repository: named, choice, identity }) {
      await mkdir(join(folder, 'readers'), { recursive: true, mode: 0o700 });
      const repository = named ?? (await repositoryOf(hub, vm));
      const { backup_id: id } = await hub.choose({ vm, repository, choice, identity });
      const key = JSON.stringify([repository, vm, id]);
      // One that is ending is waited for.
      for (let known = held.get(key); known; known = held.get(key)) {
        const files = await known.files;
        if (open.has(files.info().id)) return files;
        await known.over;
      }
      if (held.size >= limits.sessions)
        throw new SendenseError('files.limit', `${limits.sessions} restore points are open already`, {
          details: { retrySeconds: 30 },
        });
      const request = { repository, vm, choice: id, identity, signal: AbortSignal.timeout(openMs) };
      const one = hold(key, request);
      held.set(key, one);
      return one.files;
    },
    all: () => [...open.values()].map(({ files }) => files),
    one: (id) => open.get(id)?.files ?? notOpen(id),
    async close(id) {
      const one = held.get(open.get(id)?.key ?? '') ?? notOpen(id);
      one.end();
      await one.over;
    },
    async [Symbol.asyncDispose]() {
      const all = [...held.values()];
      for (const one of all) one.end();
      await Promise.all(all.map(({ over }) => over));
      await spare[Symbol.asyncDispose]();
    },
  };
  return sessions;
}

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

/** Ends the session when nobody has asked for long enough. */
function keep(
  state: State,
  session: FilesSession,
  {
    vm,
    repository,
    idleMs,
    end,
  }: { readonly vm: string; readonly repository: string; readonly idleMs: number; end(): void },
): { readonly files: OpenFiles; stop(): void } {
  const opened = Date.now();
  let volumes: readonly Volume[] = session.volumes;
  let asking = 0;
  let until = performance.now() + idleMs;
  const timer = setInterval(
    () => {
      if (asking === 0 && performance.now() > until) end();
    },
    Math.min(idleMs, 10_000),
  ).unref();
  const busy = async <T>(act: () => Promise<T>): Promise<T> => {
    asking++;
    try {
      return await act();
    } finally {
      asking--;
      until = performance.now() + idleMs;
    }
  };
  const files: OpenFiles = {
    info: () => ({
      version: 1,
      id: session.id,
      vm,
      repository,
      backup_id: session.point.backup_id,
      created: session.point.created,
      opened,
      expires: Math.round(Date.now() + (until - performance.now())),
      remark: session.remark,
      volumes: volumes.map((volume) => ({ ...volume, notes: [...volume.notes] })),
    }),
    async ask(name, ask, options) {
      const answer = await busy(() => session.ask(name, ask, options));
      if (name === 'open')
        volumes = volumes.map((one) => (one.id === (answer as Volume).id ? (answer as Volume) : one));
      return answer;
    },
    read: (asked, options) => busy(() => session.read(asked, options)),
    async unlock(volume, passphrase) {
      volumes = await files.ask('unlock', { volume, passphrase });
    },
    record: (read) =>
      recordRead(state, { ...read, runId: session.id, repository, context: vm, backupId: session.point.backup_id }),
  };
  return { files, stop: () => clearInterval(timer) };
}
