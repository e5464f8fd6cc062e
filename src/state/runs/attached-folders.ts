import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** Folders in which runs have made disks for VMs of libvirt, as far as the database remembers the runs. */
export const attachedFolders = (state: State): string[] =>
  state
    .all<{ folder: string }>({
      compile: () =>
        sql<never>`
          SELECT DISTINCT claim ->> '$.own.directory' AS folder FROM steps
          WHERE uses = 'restore.write' AND claim ->> '$.target' = 'attachKvm'
            AND json_type(claim, '$.own.directory') = 'text'`.compile(state.query),
    })
    .map(({ folder }) => folder);
