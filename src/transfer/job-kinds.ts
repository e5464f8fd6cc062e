import type {
  BackupStartRequest,
  InPlaceStartRequest,
  RestoreCompareRequest,
  RestoreStartRequest,
} from '../schemas/types.ts';
import type { WorkPlace } from '../sources/job-work.ts';
import type { JobPlace, OpenSource } from '../sources/open-source.ts';
import type { JobHow } from './job-frame.ts';
import { runJob } from './run-job.ts';
import { runWork } from './run-work.ts';

/** What jobs act with; composed by `src/cli/sendense-backup-client.ts`. */
export interface JobParts {
  openSource(request: BackupStartRequest, options: JobPlace & { readonly own: readonly string[] }): Promise<OpenSource>;
  /** Makes a VM and writes its disks. */
  restore(request: RestoreStartRequest, place: WorkPlace): Promise<void>;
  /** Writes to the disks of a VM what differs from a restore point. */
  inPlace(request: InPlaceStartRequest, place: WorkPlace): Promise<void>;
  /** Reads disks of such a VM and compares them with block indexes. */
  compare(request: RestoreCompareRequest, place: WorkPlace): Promise<void>;
}

/** Where a job runs, and what the caller said about it. */
export interface ClientHow extends JobHow {
  readonly addresses: number;
  /** Files and folders of the caller, of which no disk may be made. */
  readonly own: readonly string[];
}

/** A kind of job: which document says what it is to do, and what it does. */
interface JobKind<R> {
  readonly schema: string;
  run(request: R, how: ClientHow, parts: JobParts): Promise<void>;
}

interface Requests {
  readonly 'backup': BackupStartRequest;
  readonly 'restore': RestoreStartRequest;
  readonly 'compare': RestoreCompareRequest;
  readonly 'in-place': InPlaceStartRequest;
}

export type JobKindName = keyof Requests;

const kinds: { readonly [K in JobKindName]: JobKind<Requests[K]> } = {
  'backup': {
    schema: 'node/backup-start.json',
    run: (request, { own, ...how }, { openSource }) =>
      runJob({ ...how, request, openSource: (asked, place) => openSource(asked, { ...place, own }) }),
  },
  'restore': {
    schema: 'node/restore-start.json',
    run: (request, how, { restore }) => {
      const { job_id: jobId, vm } = request;
      const facts = { jobId, vmName: vm.place.name, keys: vm.disks.map(({ key }) => key) };
      return runWork(how, facts, (place) => restore(request, place));
    },
  },
  'compare': {
    schema: 'node/restore-compare.json',
    run: (request, how, { compare }) => {
      const { job_id: jobId, name, disks } = request;
      return runWork(how, { jobId, vmName: name, keys: disks.map(({ key }) => key) }, (place) =>
        compare(request, place),
      );
    },
  },
  'in-place': {
    schema: 'node/in-place-start.json',
    run: (request, how, { inPlace }) => {
      const { job_id: jobId, name, disks } = request;
      return runWork(how, { jobId, vmName: name, keys: disks.map(({ key }) => key) }, (place) =>
        inPlace(request, place),
      );
    },
  },
};

export const jobKindNames = Object.keys(kinds) as JobKindName[];

/** A kind of job, for whoever does not know which. What it gets must be a document of that kind. */
export const jobKind = (name: JobKindName): JobKind<object> => kinds[name] as JobKind<object>;
