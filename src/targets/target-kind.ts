import type { GuestBlocks } from '../blocks/guest-blocks.ts';
import type { RunFacts, StepContext } from '../engine/step.ts';
import type { ChosenOfPoint } from '../files/choose/choose-files.ts';
import type { OpenedPoint } from '../files/choose/find-volume.ts';
import type { SeenGuest } from '../host/images/seen-guest.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import type { ImageKeys } from '../repository/image-keys.ts';
import type { Seen, Signs } from '../restore-points/verify/watch-guest.ts';
import type {
  FilesTakeOutput,
  PlannedEffect,
  RestorePlan,
  RestoreWriteInput,
  RestoreWriteOutput,
  RestoredPoint,
  StartCheck,
  VsphereMachine,
  WrittenMachine,
} from '../schemas/types.ts';

/** The kinds of targets, as the schemas have them. In a plan's `to` a kind is told by the key of its name, which no other kind has. */
export type TargetType = RestoreWriteOutput['target'];
/** What a plan may say of where a restore goes. */
export type To = RestoreWriteInput['to'] | NonNullable<RestorePlan['to']>;
export type ToOf<T extends TargetType> = T extends TargetType ? Extract<To, Readonly<Record<T, unknown>>> : never;

export type RestoredDisk = RestoreWriteInput['disks'][number];
/** A disk that was written, under a name of its own until it is published. */
export type WrittenDisk = RestoreWriteOutput['files'][number];

/** The VM that is made of restored disks. */
export type Machine = NonNullable<RestoreWriteOutput['machine']>;

/** What a restore reads. All is looked up when it is needed. */
export interface RestoredFrom {
  /** Folder of the repository, absolute. */
  path(): string;
  keys(): Promise<ImageKeys>;
  /** Which restore point it is, with the saved configuration of the VM. */
  point(): RestoredPoint;
  /** Why another restore point of the VM cannot be gone back to, as far as that is known without reading all of it; null: it can. */
  whyUnfit(backupId: string): Promise<string | null>;
}

export interface RestoreRequest<T extends TargetType> {
  readonly to: ToOf<T>;
  readonly disks: readonly RestoredDisk[];
  readonly from: RestoredFrom;
  /** What is known of the present state of what is overwritten; null or absent: nothing. */
  readonly safety?: RestoreWriteInput['safety'];
}

/** What is about to be overwritten. */
export interface SafeguardRequest<T extends TargetType> extends Omit<RestoreRequest<T>, 'safety'> {
  /** Name of the repository. */
  readonly repository: string;
}

/** How what a restore overwrites is backed up before. */
export interface Safeguarding<T extends TargetType> {
  /**
   * The plan of the backup, JSON; null, and why: none is to be made.
   * @param isPreview nothing is changed
   * @throws SendenseError where the restore would be refused
   */
  wanted(
    request: SafeguardRequest<T>,
    runId: string,
    isPreview: boolean,
  ): Promise<{ readonly plan: string; readonly why: null } | { readonly plan: null; readonly why: string }>;
}

/** What names are made of. */
export type ClaimFacts = Pick<RunFacts, 'runId' | 'stepId' | 'planFolder'>;
/** What writing acts with; see `StepContext`. */
export type RestoreRun = Pick<StepContext<unknown>, 'runId' | 'stepId' | 'signal' | 'log' | 'progress' | 'remember'>;
export type Remembered = Readonly<Record<string, unknown>>;

/**
 * A kind of target: where restored disks go. What a schema cannot say about its part of a plan is in
 * `src/plan/checks/check-target.ts`, because the checks of plans know nothing that acts. A kind has every member.
 * @typeParam W what it claims before it writes, P before it publishes: plain JSON, durable before anything is done
 */
export interface TargetKind<T extends TargetType, W extends object, P> {
  readonly type: T;

  /** Decides names. Pure. */
  claim(to: ToOf<T>, disks: readonly RestoredDisk[], facts: ClaimFacts): W;
  /** Nothing is overwritten, and nothing is written into the repository. @throws SendenseError `file.exists` */
  assertFree(request: RestoreRequest<T>, claim: W): Promise<void>;
  /** What {@link write} would do. */
  effects(request: RestoreRequest<T>, claim: W): Promise<PlannedEffect[]>;
  /** Where the disks go, and what is there: nothing yet. */
  outline(request: RestoreRequest<T>, claim: W): Omit<RestoreWriteOutput, 'target'>;
  /** Writes the disks so that nobody takes them for whole yet. May be called again. @throws SendenseError `disk.full` */
  write(request: RestoreRequest<T>, claim: W, run: RestoreRun): Promise<Omit<RestoreWriteOutput, 'target'>>;
  /**
   * Removes what {@link write} left, and nothing that is not ours. "Nothing there" is success.
   * @param isPublished whether it is known that what was written is published
   */
  undoWrite(claim: W, remembered: Remembered, isPublished?: boolean): Promise<void>;

  /** Serves what was written, read-only, to be compared with the block index; null: {@link compare} does that elsewhere. */
  readonly readBack: ((written: WrittenDisk, disk: RestoredDisk, reading: Reading) => Promise<ReadBack>) | null;
  /** Compares what was written with the block index where it is. @throws SendenseError `content.mismatch` */
  readonly compare: ((written: WrittenDisk, comparing: Comparing) => Promise<Compared>) | null;

  /** @param machine what {@link write} says of the VM that is made of the disks */
  claimNames(written: readonly WrittenDisk[], machine?: Machine | null): P;
  publishEffects(written: readonly WrittenDisk[]): PlannedEffect[];
  /** Shows the disks to everybody, never over something that is there. May be called again. @throws SendenseError `file.exists` */
  publish(claim: P, run: PublishRun): Promise<void>;
  /** Whether all of it is there, and ours. */
  isPublished(claim: P, remembered: Remembered): Promise<boolean>;
  undoPublish(claim: P, remembered: Remembered): Promise<void>;

  /** How what is overwritten is backed up before; null: nothing is overwritten. */
  readonly safeguarding: Safeguarding<T> | null;

  /** How the guest of a VM that it makes gets drivers for other devices; null: it makes none that could. */
  readonly converting: VmConverting<T, object> | null;

  /** How a VM that it has made is started; null: it makes none that could be. */
  readonly starting: VmStarting<object> | null;

  /** How files are taken to it; null: it takes whole disks only. The checks of plans say the same. */
  readonly files: FilesTarget<T, object, object> | null;
}

/** Disks that are written and not published yet, and the VM that is made of them. */
export interface WrittenVm {
  readonly files: readonly WrittenDisk[];
  readonly machine: WrittenMachine;
}

/**
 * How the guest of a VM gets drivers for other devices.
 * @typeParam C what it claims before: plain JSON, durable before anything is done
 */
export interface VmConverting<T extends TargetType, C extends object> {
  claim(to: ToOf<T>, files: readonly WrittenDisk[], facts: ClaimFacts): C;
  /** What {@link convert} would do. */
  effects(to: ToOf<T>, files: readonly WrittenDisk[]): PlannedEffect[];
  /** By which sign the converted guest is up. */
  check(to: ToOf<T>): StartCheck;
  /**
   * Changes the disks, and only if the guest boots after that. May be called again.
   * @throws SendenseError where the disks cannot be relied on any more: the run has to fail
   */
  convert(request: RestoreRequest<T>, written: WrittenVm, claim: C, run: ConvertRun): Promise<ConvertedVm>;
  /** Removes what {@link convert} left beside the disks. "Nothing there" is success. */
  undoConvert(claim: C): Promise<void>;
}

/** What converting acts with. */
export interface ConvertRun extends Pick<RestoreRun, 'runId' | 'signal' | 'log'> {
  /** Only this user gets into it. */
  readonly folder: string;
  /** By which the converted guest is up, within `timeoutMs`. */
  readonly signs: Signs;
  readonly timeoutMs: number;
  /** Where the picture of it goes, PNG; null: none is kept. */
  readonly picture: string | null;
  alive(): void;
}

/** `machine`: the VM with its new devices; `problem`: why it has those that it had, in words. */
export type ConvertedVm =
  | {
      readonly machine: WrittenMachine;
      readonly sign: 'serial' | 'agent' | 'picture';
      readonly problem: null;
      readonly screenshot: string | null;
    }
  | { readonly machine: null; readonly sign: null; readonly problem: string; readonly screenshot: string | null };

/**
 * How a VM that a target has made is started.
 * @typeParam C what it claims before: plain JSON, durable before anything is done
 */
export interface VmStarting<C extends object> {
  claim(machine: WrittenMachine | VsphereMachine): C;
  /** Switches the VM on, unless it is. May be called again. @throws SendenseError `start.failed` */
  start(claim: C, run: StartRun): Promise<StartedVm | ToldVm>;
  /** Leaves it in no state between off and on. What is on stays on. */
  undoStart(claim: C, remembered: Remembered, signal: AbortSignal): Promise<void>;
}

/** A VM that is on, and stays on when nobody looks at it any more. */
export interface StartedVm extends SeenGuest, AsyncDisposable {
  /** What to do where it does not come up. */
  readonly remedy: string;
}

/** A VM that cannot be seen from here: what runs it tells whether it is up. */
export interface ToldVm extends AsyncDisposable {
  /** Waits until it is up. One that does not come up is switched off again. */
  untilUp(timeoutMs: number, alive: () => void): Promise<Told>;
}

/** `remedy`: what to do where it did not come up. */
export type Told =
  | { readonly sign: 'tools'; readonly problem: null }
  | (Extract<Seen, { readonly sign: null }> & { readonly remedy: string });

/** What starting acts with. */
export interface StartRun extends Pick<RestoreRun, 'signal' | 'log' | 'remember'> {
  /** Only this user gets into it. */
  readonly folder: string;
}

/** What publishing acts with. */
export interface PublishRun extends Pick<RestoreRun, 'runId' | 'signal' | 'remember'> {
  /** By earlier attempts too. Without it this is the first. */
  readonly remembered?: Remembered;
  readonly disks: readonly RestoredDisk[];
  readonly from: RestoredFrom;
}

export interface Reading {
  /** Run folder of the servers for reading back. */
  readonly folderId: string;
  readonly key: ImageKey | null;
  readonly signal: AbortSignal;
  /** Bytes of what is looked at before it is served. */
  readonly onRead?: (done: number, total: number) => void;
}

/** What comparing elsewhere acts with. */
export interface Comparing {
  readonly disk: RestoredDisk;
  /** What {@link TargetKind.write} said of the VM. */
  readonly machine: Machine | null;
  readonly from: RestoredFrom;
}

export interface Compared {
  readonly comparedBytes: number;
  /** False: it cannot be read where it is, and that was said. Default: true. */
  readonly isCompared?: boolean;
}

export interface ReadBack extends AsyncDisposable {
  /** NBD URI. */
  readonly uri: string;
  /** A raw file with the same content, which may be read in its place. */
  readonly rawFile: string | null;
  /** A file that holds the disk as it is, in whole blocks, and where; what of the disk it does not hold are zeros. */
  readonly stored?: { readonly file: string; readonly blocks: GuestBlocks } | null;
}

/** Files of a restore point that go to a target. */
export interface FilesRequest<T extends TargetType> {
  readonly to: ToOf<T>;
  /** Folder of the repository, absolute. */
  readonly repository: string;
  /** Files that are there are replaced, and folders merged. */
  readonly overwrite: boolean;
}

/** Files that were taken, under a name of their own until they are published. */
export type TakenFiles = Omit<FilesTakeOutput, 'target'>;

/**
 * How files of a restore point are taken to a kind of target.
 * @typeParam W what it claims before it takes files, P before it publishes them: plain JSON, durable before anything is done
 */
export interface FilesTarget<T extends TargetType, W extends object, P extends object> {
  /** Decides names. Pure. */
  claim(to: ToOf<T>, facts: ClaimFacts): W;
  /** Nothing is written into the repository. @throws SendenseError `file.exists` */
  assertApart(request: FilesRequest<T>, claim: W): Promise<void>;
  /** What {@link take} would do, and what is there: nothing yet. */
  outline(claim: W, places: readonly string[]): { readonly effects: PlannedEffect[]; readonly output: TakenFiles };
  /** Takes the files so that nobody takes them for whole yet. May be called again. @throws SendenseError `file.exists`, `disk.full`, `files.reader` */
  take(
    request: FilesRequest<T>,
    claim: W,
    files: { readonly point: OpenedPoint; readonly chosen: ChosenOfPoint },
    run: RestoreRun,
  ): Promise<TakenFiles>;
  /** Removes what {@link take} left, and nothing that is not ours. "Nothing there" is success. */
  undoTake(claim: W, remembered: Remembered): Promise<void>;

  claimNames(taken: TakenFiles): P;
  /** Shows the files to everybody; replaces nothing without `overwrite`. May be called again. @throws SendenseError `file.exists` */
  publish(claim: P, overwrite: boolean, remember: RestoreRun['remember']): Promise<void>;
  /** Whether all of them have their names. */
  isPublished(remembered: Remembered): boolean;
  undoPublish(claim: P, remembered: Remembered): Promise<void>;
}
