import { startOwnProgram } from '../../host/programs/own-program.ts';
import type { HubLog } from '../hub-log.ts';

export interface RecoverApart {
  /** Cleans up after runs whose process died, in a process of its own; nothing where that goes on, or just went. Never throws. */
  begin(): void;
  isBusy(): boolean;
}

/** So long after one clean-up no other begins, ms. */
const restMs = 60_000;

export function recoverApart({
  program,
  settingsFile,
  folder,
  log,
}: {
  readonly program: readonly string[];
  readonly settingsFile: string;
  readonly folder: string;
  readonly log: HubLog;
}): RecoverApart {
  let busy = false;
  const recover = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    const run = startOwnProgram([...program, '--config', settingsFile, 'recover', '--json'], { cwd: folder });
    const { exitCode, said } = await run.ended;
    if (exitCode !== 0) log.warn({ exit_code: exitCode, said }, 'what a run left behind could not be cleaned up');
    setTimeout(() => (busy = false), restMs).unref();
  };
  return { begin: () => void recover(), isBusy: () => busy };
}
