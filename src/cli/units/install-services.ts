import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeFileDurably } from '../../host/files/files.ts';
import { isActive, requireSystemd, systemctl } from '../../host/system/systemd.ts';
import { makeUser } from '../../host/system/system-user.ts';
import { assertReadable } from './service-program.ts';
import { unitMark } from './units.ts';

export interface ServiceUnit {
  readonly name: string;
  readonly text: string;
  /** Default: service. */
  readonly type?: 'service' | 'timer';
  /** A timer starts it: it is not enabled. */
  readonly byTimer?: boolean;
}

/** As systemctl names it. */
export const unitName = ({ name, type = 'service' }: Pick<ServiceUnit, 'name' | 'type'>): string => `${name}.${type}`;

export interface InstallOptions {
  readonly units: readonly ServiceUnit[];
  /** The system that is changed; anything but `/` is only written to: nothing is started there. */
  readonly root: string;
  readonly user: string;
  /** What the units start. */
  readonly program: readonly string[];
  readonly start: boolean;
}

/** What happened to each file, and to the services. */
export interface InstallReport {
  readonly files: readonly { readonly path: string; readonly did: 'written' | 'unchanged' | 'removed' | 'absent' }[];
  readonly started: readonly string[];
}

const unitPath = (root: string, unit: ServiceUnit): string => join(root, 'etc/systemd/system', unitName(unit));
/** Where packages have their units. */
const packagedPath = (root: string, unit: ServiceUnit): string => join(root, 'usr/lib/systemd/system', unitName(unit));

/**
 * Writes units, enables and starts them. Again is fine: what is current stays, what changed is started anew.
 * @throws SendenseError `service.foreign` before anything is written; `service.no-systemd`, `service.failed`
 */
export async function installServices({ units, root, user, program, start }: InstallOptions): Promise<InstallReport> {
  const acts = root === '/' && start;
  if (acts) requireSystemd();
  if (root === '/') assertReadable(program);
  const plans = await Promise.all(units.map(async (unit) => ({ ...unit, ...(await placeOf(root, unit)) })));
  if (root === '/') await makeUser(user, '/var/lib/sendense');
  for (const { path, current, text } of plans) if (!current) await write(path, text);
  if (acts) {
    await systemctl('daemon-reload');
    for (const { current, ...unit } of plans) {
      if (unit.byTimer === true) continue;
      const name = unitName(unit);
      const restart = !current && (await isActive(name));
      await systemctl('enable', '--now', name);
      if (restart) await systemctl('restart', name);
    }
  }
  return {
    files: plans.map(({ path, current }) => ({ path, did: current ? 'unchanged' : 'written' })),
    started: acts ? plans.filter(({ byTimer }) => byTimer !== true).map(startedName) : [],
  };
}

const startedName = (unit: ServiceUnit): string => (unit.type === 'timer' ? unitName(unit) : unit.name);

/** Stops and disables units, and removes those files that bear our mark. Users, settings and state stay. */
export async function removeServices({
  units,
  root,
  start,
}: Omit<InstallOptions, 'user' | 'program'>): Promise<InstallReport> {
  const acts = root === '/' && start;
  if (acts) requireSystemd();
  const plans = [];
  for (const unit of units) {
    const path = unitPath(root, unit);
    const before = await textOf(path);
    if (before !== null && !isOurs(before)) throw foreign(path);
    plans.push({ unit, path, there: before !== null });
  }
  for (const { unit, path, there } of plans) {
    if (!there) continue;
    if (acts) await systemctl(...(unit.byTimer === true ? ['stop'] : ['disable', '--now']), unitName(unit));
    await rm(path).catch(explain(path));
    await fsyncFolder(dirname(path));
  }
  if (acts) await systemctl('daemon-reload');
  return { files: plans.map(({ path, there }) => ({ path, did: there ? 'removed' : 'absent' })), started: [] };
}

/** Where the text is or goes. */
async function placeOf(root: string, unit: ServiceUnit): Promise<{ path: string; current: boolean }> {
  const { text } = unit;
  const path = unitPath(root, unit);
  const before = await textOf(path);
  if (before !== null && !isOurs(before)) throw foreign(path);
  const packaged = packagedPath(root, unit);
  if (before === null && (await textOf(packaged)) === text) return { path: packaged, current: true };
  return { path, current: before === text };
}

const isOurs = (text: string): boolean => text.startsWith(unitMark);

const foreign = (path: string): SendenseError =>
  new SendenseError('service.foreign', `${path} was not written by Sendense`);

async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    return explain(path)(error);
  });
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch(explain(path));
  await writeFileDurably(path, text, 0o644).catch(explain(path));
}

const explain =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    throw new SendenseError('service.failed', `${path}: ${cause.code ?? cause.message}`, { cause });
  };
