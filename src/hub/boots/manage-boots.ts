import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serialLog } from '../../boot/boot-files.ts';
import { beginMove, type MoveRequest } from '../../boot/begin-move.ts';
import { describeBoot } from '../../boot/boot-state.ts';
import { knownBoot, withBoot } from '../../boot/claim.ts';
import { takeScreenshot } from '../../boot/booted-guest.ts';
import { guestProcess } from '../../boot/monitor.ts';
import { removeBoot } from '../../boot/remove-boot.ts';
import { startBoot, type BootRequest } from '../../boot/start-boot.ts';
import { startGuest } from '../../boot/start-guest.ts';
import { switchOff } from '../../boot/switch-off.ts';
import { settleBoots } from '../../boot/settle-boot.ts';
import { hasWork, isWatched, watchBoots } from '../../boot/watch-boots.ts';
import { writePicture } from '../../boot/write-picture.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readEnd } from '../../host/files/read-end.ts';
import type { BootOutput, BootsOutput } from '../../schemas/types.ts';
import { listBoots, type BootRow } from '../../state/boots/boots.ts';
import type { Services } from '../../steps/services.ts';
import { startWatcher, type WatcherStart } from './start-watcher.ts';

/** VMs that run from restore points. Who starts or changes one calls {@link Boots.look} afterwards. */
export interface Boots {
  /** @throws SendenseError as `startBoot` */
  start(request: BootRequest): Promise<{ readonly boot: BootOutput; readonly remark: string | null }>;
  list(): Promise<BootsOutput>;
  /** @param name the id, or the name of a VM that runs once. @throws SendenseError `boot.unknown`, `usage` */
  status(name: string): Promise<BootOutput>;
  /** Makes a picture of its screen, in a file that is not there yet. @throws SendenseError `boot.off`, `file.exists`, `boot.failed` */
  screenshot(id: string, file: string): Promise<void>;
  /** A picture of its screen, PNG. @throws SendenseError `boot.off`, `boot.failed` */
  picture(id: string): Promise<Buffer>;
  /** The end of what it wrote to its first serial port. */
  serial(id: string): Promise<string>;
  /** Starts one again that is off, with what its guest wrote. @throws SendenseError `boot.failed` */
  again(id: string, signal?: AbortSignal): Promise<BootOutput>;
  /** Switches it off; what its guest wrote stays. @throws SendenseError `boot.failed` */
  off(id: string, graceMs: number, signal?: AbortSignal): Promise<BootOutput>;
  /** Ends it; what its guest wrote goes, unless it has moved. @throws SendenseError `boot.busy` */
  stop(id: string): Promise<void>;
  /** Begins to move its data, or goes on with that. @throws SendenseError as `beginMove` */
  move(id: string, request: MoveRequest): Promise<void>;
  /** Looks after all of them until there are none. */
  watch(signal: AbortSignal, log: (id: string, message: string) => void): Promise<void>;
  /** Makes sure that somebody looks after them, where there are any. */
  look(start: WatcherStart): Promise<void>;
}

export function manageBoots(services: Services): Boots {
  const { state } = services;
  let started = false;
  const describe = (id: string): Promise<BootOutput> => describeBoot(state, knownBoot(state, id));
  return {
    async start(request) {
      await assertThere(services, request.repository, anotherCopy);
      const { id, remark } = await startBoot(services, request);
      return { boot: await describe(id), remark };
    },
    list: async () => ({
      version: 1,
      boots: await Promise.all(listBoots(state).map((row) => describeBoot(state, row))),
    }),
    status: async (name) => describeBoot(state, named(listBoots(state), name)),
    screenshot: async (id, file) => writePicture(file, await picture(knownBoot(state, id))),
    picture: (id) => picture(knownBoot(state, id)),
    serial: (id) => readEnd(serialLog(knownBoot(state, id).folder), serialBytes),
    async again(id, signal) {
      await withBoot(state, id, (row) => startAgain(services, row, signal), { signal });
      return describe(id);
    },
    async off(id, graceMs, signal) {
      await switchOff({ state, id, signal }, graceMs);
      return describe(id);
    },
    stop: (id) => withBoot(state, id, () => removeBoot(services, id), { anyMove: true }),
    move: (id, request) => beginMove(services, id, request),
    watch: (signal, log) => watchBoots(services, { signal, log }),
    async look(start) {
      await settleBoots(services);
      if (started || !hasWork(services) || (await isWatched(services))) return;
      started = true;
      startWatcher(services, start);
    },
  };
}

/** It may be mounted read-only. @throws SendenseError `repository.unusable` */
async function assertThere(services: Services, repository: string, otherwise: string): Promise<void> {
  if (await services.findRepository(repository)) return;
  const path = services.repositoryPath(repository);
  throw new SendenseError('repository.unusable', `repository ${repository} is not at ${path}`, {
    remedy: `Mount it, or correct its path in sendense.yaml, then give the command again. ${otherwise}`,
  });
}

const anotherCopy = 'If another repository has a copy of the VM, say `--repository NAME`.';
const whatStays = (id: string): string =>
  `Until then what the guest wrote stays. It is of no use without the repository: if that is gone for good, \`sendense-run boot stop ${id} --yes\` removes the VM.`;

const serialBytes = 64 * 1024;

/** @throws SendenseError `boot.unknown`, `usage` */
function named(rows: readonly BootRow[], name: string): BootRow {
  const byId = rows.find(({ id }) => id === name);
  if (byId) return byId;
  const [only, ...others] = rows.filter(({ context }) => context === name);
  if (only && others.length === 0) return only;
  if (only)
    throw new SendenseError(
      'usage',
      `${name} runs ${others.length + 1} times: ${[only, ...others].map(({ id }) => id).join(', ')}`,
    );
  throw new SendenseError('boot.unknown', `no VM ${name} was started from a restore point`);
}

async function startAgain(services: Services, row: BootRow, signal: AbortSignal | undefined): Promise<void> {
  if ((await guestProcess(row.folder)) !== null) return;
  if (row.state !== 'moved') await assertThere(services, row.repository, whatStays(row.id));
  await startGuest(services, row, signal);
}

/** What a screen shows may be a secret. @returns PNG @throws SendenseError `boot.off`, `boot.failed` */
async function picture({ id, folder }: BootRow): Promise<Buffer> {
  if ((await guestProcess(folder)) === null) throw new SendenseError('boot.off', `${id} is off: it shows nothing`);
  const own = join(folder, `screen-${randomUUID()}.png`);
  try {
    await takeScreenshot({ folder }, own, 'png');
    return await readFile(own);
  } finally {
    await rm(own, { force: true });
  }
}
