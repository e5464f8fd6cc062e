import { manifestPath } from '../repository/layout.ts';
import { listRuns, listSteps } from '../state/runs/runs.ts';
import type { State } from '../state/database/open-state.ts';

/** What the claims of steps say of files. */
interface Claim {
  readonly repository: string;
  readonly files: readonly string[];
  readonly context: string;
  readonly backupId: string;
  readonly vmConfig: { readonly repository: string; readonly path: string } | null;
}

/** Files, relative to the repository, that runs which have not ended are making or will remove. */
export function claimedFiles(state: State, repository: string): Set<string> {
  const files = new Set<string>();
  for (const run of listRuns(state, { open: true })) {
    for (const { claim } of listSteps(state, run.id)) {
      const { repository: name, files: made, context, backupId, vmConfig } = (claim ?? {}) as Partial<Claim>;
      if (vmConfig?.repository === repository) files.add(vmConfig.path).add(`${vmConfig.path}.sendense-part`);
      if (name !== repository) continue;
      for (const file of made ?? []) files.add(file).add(`${file}.sendense-part`);
      if (context !== undefined && backupId !== undefined) files.add(manifestPath(context, backupId));
    }
  }
  return files;
}
