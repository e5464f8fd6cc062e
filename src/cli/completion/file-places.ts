import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shownName } from '../../files/shown.ts';
import { loadSettings } from '../../plan/load-settings.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import { isPoint, placeIn, pointRequest } from '../files/file-target.ts';
import type { FilesClient } from '../../files/client/files-client.ts';
import { reachOpenFiles } from '../files/reach-files.ts';
import { vmNames } from './vm-names.ts';

/** Nobody waits longer for a completion, ms. */
const patienceMs = 3000;
/** Of a folder that holds more, the first ones are offered. */
const mostEntries = 10_000;
const words = ['latest', 'yesterday', 'today'];

/** How restore points go on from what was typed: VMs, then `VM@` with the ids of their restore points. */
export function pointNames(config: string | undefined, typed: string): string[] {
  const cut = typed.lastIndexOf('@');
  const vms = vmNames(config);
  if (cut <= 0) return vms.filter((name) => name.startsWith(typed));
  const vm = typed.slice(0, cut);
  if (!vms.includes(vm)) return [];
  const { settings, folder } = loadSettings(config, process.cwd());
  const roots = Object.values(settings?.repositories ?? {}).map(({ path }) => resolve(folder, path));
  const ids = roots.flatMap((root) => manifestsIn(join(root, vm)));
  return [...words, ...ids.toSorted().toReversed()]
    .map((word) => `${vm}@${word}`)
    .filter((one) => one.startsWith(typed));
}

function manifestsIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => /^(\d{8}T\d{6}Z-[0-9a-f]+)\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

/**
 * How a place goes on from what was typed, in a restore point that is open: volumes, then folders and files. Nothing where it is not
 * open, or where the answer would take too long: nobody reads an error here.
 */
export async function filePlaces(context: CommandContext, point: string, typed: string): Promise<string[]> {
  const late = new Promise<string[]>((done) => setTimeout(() => done([]), patienceMs).unref());
  return await Promise.race([placesIn(context, point, typed).catch(() => []), late]);
}

async function placesIn(context: CommandContext, point: string, typed: string): Promise<string[]> {
  const clients = await reachOpenFiles(context);
  if (clients.length === 0) return [];
  const meant = isPoint(context, await pointRequest(context, point));
  for (const client of clients)
    for (const files of (await client.mounts()).mounts)
      if (await meant(files)) return await goingOn(client, files, typed);
  return [];
}

async function goingOn(client: FilesClient, files: FilesOutput, typed: string): Promise<string[]> {
  if (!typed.includes('/')) {
    const readable = files.volumes.filter(({ state }) => state === 'readable');
    const only = readable.length === 1 && typed === '' ? ['/'] : [];
    return [...only, ...readable.map(({ id }) => `${id}:/`)].filter((one) => one.startsWith(typed));
  }
  // A volume may have a slash in its name.
  const begun = files.volumes.filter(({ id }) => `${id}:/`.startsWith(typed)).map(({ id }) => `${id}:/`);
  if (!typed.startsWith('/') && !typed.includes(':')) return begun;
  const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
  const { entries } = await client.list(placeIn(files, folder), { limit: mostEntries });
  return entries
    .map((entry) => `${folder}${shownName(lastName(entry.id))}${entry.type === 'folder' ? '/' : ''}`)
    .filter((one) => one.startsWith(typed));
}

function lastName(id: string): Buffer {
  const path = Buffer.from(id, 'base64url');
  return path.subarray(path.lastIndexOf(0x2f) + 1);
}
