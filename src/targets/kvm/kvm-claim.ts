import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ClaimFacts, RestoredDisk, RestoreRequest, ToOf } from '../target-kind.ts';
import { claimOf as directoryClaim, type DirectoryClaim, type DiskNames } from '../directory/disk-names.ts';

/** What is written beside the disks. */
export const beside = { domain: 'domain.xml', script: 'start.sh', variables: 'efi-variables.fd' } as const;

export interface KvmClaim extends DirectoryClaim {
  /** All that may be made beside the disks. */
  readonly others: readonly DiskNames[];
  readonly runId: string;
  /** Against which paths of the plan count. Not in claims of earlier versions. */
  readonly planFolder?: string;
  /** Of a new VM. */
  readonly uuid: string;
}

/** The disks go where a restore to a folder would write them. */
export const diskTo = ({ kvm }: Pick<ToOf<'kvm'>, 'kvm'>): ToOf<'directory'> => ({
  directory: kvm,
  format: 'qcow2',
  subformat: 'monolithicSparse',
  thin: false,
});

export const diskRequest = (request: RestoreRequest<'kvm'>): RestoreRequest<'directory'> => ({
  ...request,
  to: diskTo(request.to),
});

export function claimOf(to: ToOf<'kvm'>, disks: readonly RestoredDisk[], facts: ClaimFacts): KvmClaim {
  const claim = directoryClaim(diskTo(to), disks, facts);
  const parts = claim.parts ?? claim.directory;
  return {
    ...claim,
    others: Object.values(beside).map((name) => ({
      disk: name,
      temporary: join(parts, `${name}.${facts.runId}.sendense-part`),
      file: join(claim.directory, name),
    })),
    runId: facts.runId,
    planFolder: facts.planFolder,
    uuid: uuidOf(facts.runId),
  };
}

const bytesOf = (runId: string, what: string): Buffer => createHash('sha256').update(`${runId} ${what}`).digest();

/** Of a new VM: the same for the same run, because a claim is. */
export function uuidOf(runId: string): string {
  const bytes = bytesOf(runId, 'uuid').subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Of a new network card, from what QEMU gives out. */
export const newMac = (runId: string, index: number): string =>
  [
    '52:54:00',
    ...[...bytesOf(runId, `mac ${index}`).subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0')),
  ].join(':');
