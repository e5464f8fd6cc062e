import { readdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import { workspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/** A workspace that tests share, one after the other. */
export interface StagedWorkspace extends AsyncDisposable {
  readonly work: Workspace;
  /** All of it as it is now, under a name. */
  keep(stage: string): Promise<void>;
  /** As it was then, in the same folder: a disk is known by its path. */
  backTo(stage: string): Promise<Workspace>;
}

export async function stagedWorkspace(options: WorkspaceOptions = {}): Promise<StagedWorkspace> {
  const work = await workspace(options);
  const stages = `${work.folder}.stages`;
  return {
    work,
    async keep(stage) {
      await execa('mkdir', ['-p', stages]);
      await execa('cp', ['-a', work.folder, `${stages}/${stage}`]);
    },
    async backTo(stage) {
      for (const name of await readdir(work.folder)) await rm(work.path(name), { recursive: true });
      await execa('cp', ['-a', `${stages}/${stage}/.`, work.folder]);
      return work;
    },
    async [Symbol.asyncDispose]() {
      await rm(stages, { recursive: true, force: true });
      await work[Symbol.asyncDispose]();
    },
  };
}
