import type { LeftOutPoint } from './choose/left-out.ts';
import type { ImageKeys } from '../repository/image-keys.ts';
import type { Repository } from '../repository/open-repository.ts';
import type { Settings } from '../schemas/types.ts';
import type { State } from '../state/database/open-state.ts';

/** What work on restore points needs of a hub: its settings, its database, and the repositories. */
export interface RepositoryAccess {
  readonly settings: Settings;
  readonly state: State;
  /** Opens the repository of that name, made on first use. @throws `repository.unusable` */
  openRepository(name: string): Promise<Repository>;
  /** Absolute path of a repository that must be there already, for undo: on a mount point without its mount nothing can be undone. @throws `repository.unusable` */
  existingRepository(name: string): Promise<string>;
  /** The repository of that name, or null where there is none yet. Makes none. @throws `repository.unusable` */
  findRepository(name: string): Promise<Repository | null>;
  /** Nothing is written to any repository, not even a mark: it is being rescued, and may be somebody else's. */
  readonly rescuing: boolean;
  /** Restore points of the repository that is being rescued which could not be read in. */
  readonly leftOut: readonly LeftOutPoint[];
  /** Absolute path of a repository, which need not exist. */
  repositoryPath(name: string): string;
  /** The keys of a repository's encrypted images. @throws `repository.key`, `secret.unreadable` */
  imageKeys(name: string): Promise<ImageKeys>;
}
