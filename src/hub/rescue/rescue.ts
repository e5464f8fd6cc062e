import type { ImageKeys } from '../../repository/image-keys.ts';

/** A repository that is read with nothing else known: no settings, no database. `openRescue` makes it. */
export interface Rescue extends AsyncDisposable {
  /** Absolute path of the repository. */
  readonly root: string;
  /** Settings made for it, in a private folder that goes with it. */
  readonly settingsFile: string;
  readonly keys: ImageKeys;
  /** Why manifests or files were refused, by their path in the repository. */
  readonly refused: ReadonlyMap<string, string>;
  /** What the user has to know of the repository. */
  readonly warnings: readonly string[];
}

/** The name of the repository in these settings. */
export const rescueName = 'rescue';

/** How to name a key where there are no settings. */
export const keyWays =
  'Name the key: `--key-file FILE` for the file that holds it, or `--key-command COMMAND` for a command that prints it. Both may be repeated.';
