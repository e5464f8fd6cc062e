import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseHostAndPort } from '../../schemas/host-and-port.ts';
import type { VsphereSourceSettings, VsphereSourceSpec } from '../../schemas/types.ts';
import type { SourcePlace, VmReference } from '../source-kind.ts';

/**
 * The spec of a vCenter or ESXi host, for one VM or for none in particular. `user` is empty where a stored credential has it.
 * @throws SendenseError `vsphere.settings`, `file.unreadable`
 */
export function vsphereSpec(source: VsphereSourceSettings, vm: VmReference, place: SourcePlace): VsphereSourceSpec {
  const { name } = place;
  const address = parseHostAndPort(source.host, 443);
  if ('fault' in address) throw new SendenseError('vsphere.settings', `source ${name}: ${address.message}`);
  const credential = vm.credential ?? source.credential ?? null;
  if (credential === null && (source.user === undefined || source.password === undefined)) throw noLogin(name);
  return {
    type: 'vsphere',
    name,
    ...address,
    user: credential === null ? (source.user ?? '') : '',
    credential,
    thumbprint: source.thumbprint ?? null,
    ca: source.ca === undefined ? null : readCa(source.ca, place),
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

export const noLogin = (name: string): SendenseError =>
  new SendenseError('vsphere.settings', `source ${name} has neither user and password nor a credential`);

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

function readCa(ca: string, { name, folder, readFile }: SourcePlace): string {
  const file = resolve(folder, ca);
  try {
    return readFile(file).toString('utf8');
  } catch (cause) {
    throw new SendenseError('file.unreadable', `source ${name}: the ca file ${file} cannot be read`, { cause });
  }
}
