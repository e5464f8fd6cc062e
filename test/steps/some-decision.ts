import type { DiskDecision, DiskInfo } from '../../src/schemas/types.ts';
import { MiB } from '../host/disk-images.ts';

/** What chain.decide says of a disk: by default a full of 1 MiB. */
export const someDecision = (more: Partial<DiskDecision> = {}): DiskDecision => {
  const number = more.number ?? 0;
  return {
    disk: `disk-${number}`,
    number,
    key: String(2000 + number),
    uuid: `uuid-${number}`,
    label: `disk${number}.raw`,
    source_path: `/disks/disk${number}.raw`,
    source_format: 'raw',
    still: true,
    capacity_bytes: MiB,
    mode: 'full',
    method: 'full',
    reason: 'first backup of this VM in this repository',
    parent: null,
    path: `pgtest1/disk-${number}/b1.qcow2`,
    index_path: `pgtest1/disk-${number}/b1.index`,
    estimated_bytes: MiB,
    ...more,
  };
};

/** A disk as the node sees it. */
export const someDiskInfo = (more: Partial<DiskInfo> = {}): DiskInfo => ({
  key: '2000',
  uuid: 'uuid-0',
  label: 'disk0.raw',
  path: '/disks/disk0.raw',
  format: 'raw',
  capacity_bytes: MiB,
  allocated_bytes: null,
  change_tracking: 'digest',
  change_id: null,
  changed_since: null,
  changed_bytes: null,
  still: true,
  warnings: [],
  ...more,
});
