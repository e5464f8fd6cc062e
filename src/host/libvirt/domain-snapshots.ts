import { devicesIn, type DomainDisk } from './domain-devices.ts';
import { virsh } from './virsh.ts';

/** What the domain was when a snapshot was made: going back to it would want these disks. */
export interface DomainSnapshot {
  readonly name: string;
  readonly disks: readonly DomainDisk[];
}

/** All of a domain that libvirt knows. @throws SendenseError `tool.failed` */
export async function snapshotsAt(uri: string, uuid: string, signal?: AbortSignal): Promise<DomainSnapshot[]> {
  const names = await virsh(uri, ['snapshot-list', uuid, '--name'], { signal });
  const snapshots: DomainSnapshot[] = [];
  for (const name of names.split('\n').filter((line) => line !== '')) {
    const xml = await virsh(uri, ['snapshot-dumpxml', uuid, `--snapshotname=${name}`], { signal });
    // As it ran, and as it would have started, where the two differed.
    const domains = xml.match(/<(domain|inactiveDomain)\b[^]*?<\/\1>/g) ?? [];
    snapshots.push({
      name,
      disks: domains.flatMap((text) => devicesIn(text.replaceAll(/(<\/?)inactiveDomain\b/g, '$1domain')).disks),
    });
  }
  return snapshots;
}
