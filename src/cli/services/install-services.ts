import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeFileDurably } from '../../host/files.ts';
import { isActive, requireSystemd, systemctl } from '../../host/systemd.ts';
import { makeUser } from '../../host/system-user.ts';
import { assertReadable } from './service-program.ts';
import { unitMark, type ServiceName } from './units.ts';

export interface ServiceUnit {
  readonly name: ServiceName;
  readonly text: string;
}

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

const unitPath = (root: string, name: string): string => join(root, 'etc/systemd/system', `${name}.service`);
/** Where packages have their units. */
const packagedPath = (root: string, name: string): string => join(root, 'usr/lib/systemd/system', `${name}.service`);

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
    for (const { name, current } of plans) {
      const restart = !current && (await isActive(name));
      await systemctl('enable', '--now', `${name}.service`);
      if (restart) await systemctl('restart', `${name}.service`);
    }
  }
  return {
    files: plans.map(({ path, current }) => ({ path, did: current ? 'unchanged' : 'written' })),
    started: acts ? plans.map(({ name }) => name) : [],
  };
}

/** Stops and disables units, and removes those files that bear our mark. Users, settings and state stay. */
export async function removeServices({
  units,
  root,
  start,
}: Omit<InstallOptions, 'user' | 'program'>): Promise<InstallReport> {
  const acts = root === '/' && start;
  if (acts) requireSystemd();
  const plans = [];
  for (const { name } of units) {
    const path = unitPath(root, name);
    const before = await textOf(path);
    if (before !== null && !isOurs(before)) throw foreign(path);
    plans.push({ name, path, there: before !== null });
  }
  for (const { name, path, there } of plans) {
    if (!there) continue;
    if (acts) await systemctl('disable', '--now', `${name}.service`);
    await rm(path).catch(explain(path));
    await fsyncFolder(dirname(path));
  }
  if (acts) await systemctl('daemon-reload');
  return { files: plans.map(({ path, there }) => ({ path, did: there ? 'removed' : 'absent' })), started: [] };
}

/** Where the text is or goes. */
async function placeOf(root: string, { name, text }: ServiceUnit): Promise<{ path: string; current: boolean }> {
  const path = unitPath(root, name);
  const before = await textOf(path);
  if (before !== null && !isOurs(before)) throw foreign(path);
  const packaged = packagedPath(root, name);
  if (before === null && (await textOf(packaged)) === text) return { path: packaged, current: true };
  return { path, current: before === text };
}

const isOurs = (text: string): boolean => text.startsWith(unitMark);

const foreign = (path: string): SendenseError => new SendenseError('service.foreign', `${path} is not of Sendense`);

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
