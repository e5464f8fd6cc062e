import type { SendenseError } from '../../errors/sendense-error.ts';
import type {
  BackupStartRequest,
  InPlaceStartRequest,
  RestoreCompareRequest,
  RestoreStartRequest,
} from '../../schemas/types.ts';
import { cleanUpSource, noteRefused, refusalOf, type JobRequest } from '../sources/index.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';

/** What every request that starts a job says. */
interface StartRequest extends JobRequest {
  readonly job_id: string;
  readonly lease_seconds?: number | null;
}

/** A kind of job, as the node sees it. What its process does is in `src/transfer/job-kinds.ts`, under the same name. */
export interface JobKind<R> {
  readonly name: string;
  vmName(request: R): string;
  /** Block indexes that it needs, by SHA-256. */
  indexes(request: R): readonly string[];
  /** Removes what a job left at its source whose process died; null: nothing that the node would remove by itself. */
  readonly cleanUp: ((request: R, refused: RefusedLogins, signal: AbortSignal) => Promise<void>) | null;
}

export const backupJob: JobKind<BackupStartRequest> = {
  name: 'backup',
  vmName: ({ vm_name: name }) => name,
  indexes: ({ disks = [] }) => disks.flatMap((disk) => disk.previous_index ?? []),
  cleanUp: cleanUpSource,
};

/** The VM that it makes stays marked: its hub decides whether what is copied is kept. */
export const restoreJob: JobKind<RestoreStartRequest> = {
  name: 'restore',
  vmName: ({ vm }) => vm.place.name,
  indexes: () => [],
  cleanUp: null,
};

export const compareJob: JobKind<RestoreCompareRequest> = {
  name: 'compare',
  vmName: ({ name }) => name,
  indexes: ({ disks }) => disks.map(({ index }) => index),
  cleanUp: null,
};

/** The VM stays marked: what was written cannot be taken back. */
export const inPlaceJob: JobKind<InPlaceStartRequest> = {
  name: 'in-place',
  vmName: ({ name }) => name,
  indexes: ({ disks }) => disks.flatMap(({ index, base }) => [index, ...(base ? [base.index] : [])]),
  cleanUp: null,
};

/** A request together with its kind, for whoever does not know which. */
export interface AskedJob {
  readonly kind: string;
  readonly request: StartRequest;
  readonly vmName: string;
  readonly indexes: readonly string[];
  /** How its login was refused lately; null where it was not. */
  refusal(refused: RefusedLogins): Promise<SendenseError | null>;
  /** Another process was refused with its login. */
  noteRefused(refused: RefusedLogins): Promise<void>;
  readonly cleanUp: ((refused: RefusedLogins, signal: AbortSignal) => Promise<void>) | null;
}

export function askedJob<R extends StartRequest>(kind: JobKind<R>, request: R): AskedJob {
  const { cleanUp } = kind;
  return {
    kind: kind.name,
    request,
    vmName: kind.vmName(request),
    indexes: kind.indexes(request),
    refusal: (refused) => refusalOf(request, refused),
    noteRefused: (refused) => noteRefused(request, refused),
    cleanUp: cleanUp && ((refused, signal) => cleanUp(request, refused, signal)),
  };
}
