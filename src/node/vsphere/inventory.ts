import { SendenseError } from '../../errors/sendense-error.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { decodedName } from './vm-properties.ts';
import { optionalMoref, type XmlValue } from './xml.ts';
import { inventoryPaths } from './inventory-paths.ts';

export { vmDisks } from './vm-disks.ts';

export interface VmReference {
  readonly path: string | null;
  readonly moref: string | null;
  /** Counts where there is neither path nor moref. */
  readonly name: string;
}

/**
 * The VM that is meant. Slash, backslash and percent sign in names may be written as they are or as vSphere writes them.
 * @throws SendenseError `source.missing`, naming what is there; several that match are named, too
 */
export async function findVm(vsphere: Vsphere, wanted: VmReference, signal?: AbortSignal): Promise<Moref> {
  const { path, moref, name } = wanted;
  if (moref !== null) return byMoref(vsphere, moref, signal);
  if (path !== null) {
    const found = await byIndex(vsphere, path, signal);
    if (found) return found;
  }
  const vms = await inventoryPaths(vsphere, signal);
  const same = (one: { readonly path: string }): boolean =>
    path === null ? nameOf(one.path) === decodedName(name) : decodedName(one.path) === normal(path);
  const matches = vms.filter(same);
  const [first] = matches;
  if (first && matches.length === 1) return first.vm;
  if (matches.length > 1)
    throw new SendenseError(
      'source.missing',
      `${matches.length} VMs match ${path ?? name}: ${matches.map((one) => `${one.path} (${one.vm.value})`).join(', ')}`,
      { remedy: 'Name the VM by its path or moref in the plan.' },
    );
  throw missing(
    path ?? name,
    vms.map((one) => one.path),
  );
}

const nameOf = (path: string): string => decodedName(path.slice(path.lastIndexOf('/') + 1));

const normal = (path: string): string => decodedName(`/${path.replace(/^\/+|\/+$/g, '')}`);

/** A VM that was registered anew is another object, though its path is the same. */
const morefRemedy =
  'Check the moref: `sendense-run discover SOURCE` lists the known ones. A VM gets a new moref when it is registered again; a plan that names it by `path` still finds it.';

async function byMoref(vsphere: Vsphere, value: string, signal?: AbortSignal): Promise<Moref> {
  const vm: Moref = { type: 'VirtualMachine', value };
  const [found] = await vsphere.properties([vm], ['name'], signal ? { signal } : {});
  if (found) return vm;
  throw new SendenseError('source.missing', `there is no VM ${value} at ${vsphere.host}`, { remedy: morefRemedy });
}

async function byIndex(vsphere: Vsphere, path: string, signal?: AbortSignal): Promise<Moref | undefined> {
  const { searchIndex } = vsphere.content;
  if (!searchIndex) return undefined;
  const answer: XmlValue | undefined = await vsphere.call(
    'FindByInventoryPath',
    searchIndex,
    [['inventoryPath', path.replace(/^\/+|\/+$/g, '')]],
    { signal },
  );
  const found = optionalMoref(answer);
  return found?.type === 'VirtualMachine' ? found : undefined;
}

function missing(wanted: string, paths: readonly string[]): SendenseError {
  const name = nameOf(wanted).toLowerCase();
  const near = paths.filter((path) => {
    const other = nameOf(path).toLowerCase();
    return other.includes(name) || name.includes(other) || other.slice(0, 3) === name.slice(0, 3);
  });
  const folders = new Set(paths.flatMap((path) => ancestors(decodedName(path))));
  const folder = ancestors(normal(wanted)).find((one) => folders.has(one));
  const said = [
    folder === undefined ? '' : `; ${folder} is there`,
    near.length === 0 ? `; ${paths.length} other VMs are there` : `; similar: ${near.slice(0, 10).join(', ')}`,
  ];
  return new SendenseError('source.missing', `there is no VM ${wanted}${said.join('')}`, {
    remedy: 'Check the path; `sendense-run discover SOURCE` lists all VMs.',
  });
}

/** The folders above a path, nearest first. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
}
