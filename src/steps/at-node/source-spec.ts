import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseHostAndPort } from '../../schemas/host-and-port.ts';
import type {
  ImageDisk,
  ImageSource,
  ImageSourceSettings,
  Settings,
  Source,
  Vm,
  VsphereSourceSettings,
  VsphereSourceSpec,
} from '../../schemas/types.ts';
import { readNamedFileNow } from '../../host/files/named-file.ts';

/** A plan's `vm`. `source` is the name of a source in sendense.yaml, or a source; undefined: the only one of sendense.yaml. */
export type VmReference = Pick<Vm, 'name'> & Partial<Omit<Vm, 'name' | 'source'>> & { readonly source?: unknown };

/**
 * The source of a VM as the node gets it: defaults filled in, paths absolute. Paths in a plan count from the plan, paths
 * in sendense.yaml from there. Holds no secret; `Services.sourceSecret` has that.
 * @throws SendenseError `source.missing`, `vsphere.settings`, `file.unreadable`
 */
export function sourceSpecOf(vm: VmReference, settings: Settings, folders: { plan: string; settings: string }): Source {
  if (vm.source !== null && typeof vm.source === 'object')
    return imageSpec((vm.source as ImageSource).disks, folders.plan);
  const name = typeof vm.source === 'string' ? vm.source : onlySource(settings);
  const source = settings.sources[name];
  if (!source) throw new SendenseError('source.missing', `sendense.yaml has no source ${name}`);
  return source.type === 'vsphere'
    ? vsphereSpecOf(name, source, folders.settings, vm)
    : imageSpecOf(name, source, folders.settings, vm.name);
}

/** The spec of an image source's VM. @throws SendenseError `source.missing` */
export function imageSpecOf(name: string, source: ImageSourceSettings, folder: string, vm: string): Source {
  const found = source.vms[vm];
  if (found) return imageSpec(found.disks, folder);
  throw new SendenseError(
    'source.missing',
    `source ${name} has no VM ${vm}; it has ${Object.keys(source.vms).join(', ')}`,
  );
}

/**
 * The spec of a vCenter or ESXi host, for one VM or for none in particular. `user` is empty where a stored credential has it.
 * @param folder of sendense.yaml
 * @throws SendenseError `vsphere.settings`, `file.unreadable`
 */
export function vsphereSpecOf(
  name: string,
  source: VsphereSourceSettings,
  folder: string,
  vm: Omit<VmReference, 'source'> = { name: '' },
): VsphereSourceSpec {
  const address = parseHostAndPort(source.host, 443);
  if ('fault' in address) throw new SendenseError('vsphere.settings', `source ${name}: ${address.message}`);
  const credential = vm.credential ?? source.credential ?? null;
  if (credential === null && (source.user === undefined || source.password === undefined)) {
    throw new SendenseError('vsphere.settings', `source ${name} has neither user and password nor a credential`);
  }
  return {
    type: 'vsphere',
    name,
    ...address,
    user: credential === null ? (source.user ?? '') : '',
    credential,
    thumbprint: source.thumbprint ?? null,
    ca: source.ca === undefined ? null : readCa(name, resolve(folder, source.ca)),
    path: vm.path ?? null,
    moref: vm.moref ?? null,
    quiesce: vm.quiesce ?? 'try',
    cbt: vm.cbt ?? 'auto',
    foreign_snapshots: vm.foreignSnapshots ?? 'refuse',
    transports: transportsOf(name, source, vm.transport),
    vddk: source.vddk
      ? {
          libdir: source.vddk.libdir,
          plugin: source.vddk.plugin ?? null,
          modes: source.vddk.modes ?? 'file:nbdssl:nbd',
          compression: source.vddk.compression ?? 'fastlz',
        }
      : null,
    ssh: source.ssh
      ? {
          host: source.ssh.host ?? null,
          port: source.ssh.port ?? 22,
          user: source.ssh.user ?? 'root',
          identity: source.ssh.identity,
          known_hosts: source.ssh.knownHosts,
        }
      : null,
    disks_per_host: source.limits?.disksPerHost ?? 8,
  };
}

/** The plan's transport, else those of the source that are configured, in its order. */
function transportsOf(
  name: string,
  source: VsphereSourceSettings,
  fixed: VmReference['transport'],
): VsphereSourceSpec['transports'] {
  const configured = { vddk: source.vddk !== undefined, https: true, ssh: source.ssh !== undefined };
  if (fixed !== undefined && !configured[fixed])
    throw new SendenseError(
      'vsphere.settings',
      `the plan asks for transport ${fixed}, and source ${name} has no ${fixed} section`,
    );
  const [first, ...rest] = fixed === undefined ? source.transports.filter((one) => configured[one]) : [fixed];
  if (first === undefined)
    throw new SendenseError('vsphere.settings', `none of the transports of source ${name} is configured`);
  return [first, ...rest];
}

function readCa(name: string, file: string): string {
  try {
    return readNamedFileNow(file).toString('utf8');
  } catch (cause) {
    throw new SendenseError('file.unreadable', `source ${name}: the ca file ${file} cannot be read`, { cause });
  }
}

function onlySource(settings: Settings): string {
  const names = Object.keys(settings.sources);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw new SendenseError(
    'source.missing',
    names.length === 0
      ? 'the plan names no source and sendense.yaml has none'
      : `the plan names no source and sendense.yaml has ${names.length}: ${names.join(', ')}`,
  );
}

const imageSpec = (disks: readonly ImageDisk[], folder: string): Source => ({
  type: 'image',
  disks: disks.map((disk) => ({
    path: resolve(folder, disk.path),
    format: disk.format ?? null,
    uuid: disk.uuid ?? null,
    allow_in_use: disk.allowInUse ?? false,
    changes: disk.changes === undefined ? null : resolve(folder, disk.changes),
  })) as Extract<Source, { type: 'image' }>['disks'],
});
