import type { Qmp } from '../../qmp.ts';

/** A program that a reader takes. */
export interface Requirement {
  readonly program: string;
  /** Debian's. */
  readonly package: string;
  /** What cannot be read without it; null: nothing can. */
  readonly without: string | null;
}

export interface KindOptions {
  readonly slots: number;
  /** Memory for what reads, MiB. */
  readonly memoryMiB: number;
  /** Room for what replaying journals writes, MiB. */
  readonly scratchMiB: number;
  /** Where this process is root: the user as whom the reader works. */
  readonly as: number | null;
}

/** What a kind has in its sandbox beside what all have. */
export interface SandboxParts {
  /** Words for bwrap. */
  readonly words: readonly string[];
  /** Size of /tmp, MiB. */
  readonly tmpMiB: number;
  /** The sandbox's first program, with its arguments. */
  readonly command: readonly string[];
}

/** A way to read the disks of a restore point. */
export interface ReaderKind {
  /** As the setting `files.reader` has it. */
  readonly name: string;
  /** What reads, for people. */
  readonly title: string;
  /** What it reads, and what not, for people. */
  readonly reads: string;
  readonly needs: readonly Requirement[];
  /** Why this machine cannot have it, whatever is installed; null: it can. */
  unfit(): string | null;
  /** Programs of the sandbox, by their names in its folder `/sendense`. */
  readonly scripts: Readonly<Record<string, string>>;
  sandbox(options: KindOptions): SandboxParts;
  /** Whether it says where the bytes of a file lie on its disk, so that they are read past it. */
  readonly tellsPlaces: boolean;
  /** Gives a disk to what reads. In the disks' server it is the node `layer0`, if it is the first one. */
  plug(qmp: Qmp, slot: number): Promise<unknown>;
}
