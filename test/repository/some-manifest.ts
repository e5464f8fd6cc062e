import type { Manifest } from '../../src/schemas/types.ts';

type Content = Omit<Manifest, 'checksum'>;
type Disk = Manifest['disks'][number];

export const someDisk = (backupId: string, number = 0, more: Partial<Disk> = {}): Disk => ({
  number,
  key: String(2000 + number),
  uuid: `uuid-${number}`,
  label: `disk${number}.raw`,
  source_path: `/disks/disk${number}.raw`,
  source_format: 'raw',
  capacity_bytes: 1024 * 1024,
  mode: 'full',
  method: 'full',
  reason: 'first backup of this VM in this repository',
  parent: null,
  path: `disk-${number}/${backupId}.qcow2`,
  file_bytes: 200_000,
  file_mtime_ns: '1763690000000000000',
  digest: `sha256:${'1'.repeat(64)}`,
  change_id: 'c1',
  bytes_transferred: 65_536,
  index: { path: `disk-${number}/${backupId}.index`, bytes: 1000, sha256: '2'.repeat(64) },
  ...more,
});

/** A manifest as `backup.commit` makes one. */
export const someManifest = (backupId = 'b1', more: Partial<Content> = {}): Content => ({
  format: 'sendense-restore-point/1',
  backup_id: backupId,
  vm: { name: 'pgtest1', context: 'pgtest1' },
  kind: 'full',
  plan: 'pgtest1-nightly',
  run_id: 'run-1',
  parent: null,
  started: '2026-11-20T01:30:00.000Z',
  created: '2026-11-20T01:31:00.000Z',
  producer: { name: 'sendense', version: '0.1.0', qemu: '7.2.0' },
  disks: [someDisk(backupId), someDisk(backupId, 1)],
  removed_disks: [],
  warnings: [],
  ...more,
});
