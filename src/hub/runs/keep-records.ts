import type { RunOrigin } from '../../engine/journal.ts';
import type { RunEvent, UpkeepOutput } from '../../schemas/types.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { collectFigures, type FiguresParts } from '../metrics/collect.ts';
import type { Sample } from '../metrics/families.ts';
import { figuresText, writeTextfile } from '../metrics/write-textfile.ts';
import { createRunLogs } from './run-log/run-logs.ts';
import { createProgressFiles } from './run-progress/write-progress.ts';
import { keepHouse } from '../upkeep/keep-house.ts';

export interface RecordParts extends FiguresParts {
  readonly settingsFolder: string;
}

/**
 * What the hub keeps of its runs beside the journal: a log of each, how far it is, a database that stays small, copies of it, figures
 * for Prometheus. None of it is worth a run: what goes wrong is told, and changes nothing.
 */
export interface Records {
  /** For the events of one run; those of other runs are not its. */
  watch(): (event: RunEvent) => void;
  /** For the events of recovered runs, of whatever run. */
  recovered(event: RunEvent): void;
  /** The log of a run is complete. */
  settle(runId: string, warn: (message: string) => void): Promise<void>;
  /** What is due once a day; raises a notice where it fails. */
  upkeep(options?: { readonly force?: boolean; readonly signal?: AbortSignal | undefined }): Promise<UpkeepOutput>;
  /** After a run that is no part of a group's: the upkeep. */
  afterRun(
    origin: RunOrigin | undefined,
    options: { warn(message: string): void; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** Writes the file of metrics, if the settings name one. */
  writeMetrics(warn: (message: string) => void): Promise<void>;
  figures(): Promise<readonly Sample[]>;
  /** The figures in Prometheus' text form. */
  figuresText(): Promise<string>;
}

/** In a rescue: the copies of the database would be written to the repository. */
export const withoutUpkeep = (records: Records): Records => ({ ...records, afterRun: () => Promise.resolve() });

export function keepRecords(parts: RecordParts): Records {
  const logs = createRunLogs(parts.state.path);
  const progress = createProgressFiles(parts.state.path);
  const tell = (message: string, runId?: string): void => {
    try {
      raiseNotice(parts.state, { event: 'warning', runId, message });
    } catch {
      // The database may be what is in trouble.
    }
  };
  const upkeep: Records['upkeep'] = async (options = {}) => {
    const report = await keepHouse({ ...parts, ...options });
    for (const trouble of report.troubles) tell(trouble);
    return report;
  };
  return {
    watch() {
      let own: string | undefined;
      return (event) => {
        own ??= event.run_id;
        if (event.run_id !== own) return;
        logs.event(event);
        progress.event(event);
      };
    },
    recovered: (event) => logs.event(event),
    async settle(runId, warn) {
      const [trouble] = await Promise.all([logs.settle(runId), progress.settle(runId)]);
      if (trouble === null) return;
      warn(trouble);
      tell(trouble, runId);
    },
    upkeep,
    async afterRun(origin, { warn, signal }) {
      if (origin?.parentRun !== undefined || signal?.aborted) return;
      for (const trouble of (await upkeep({ signal })).troubles) warn(trouble);
    },
    async writeMetrics(warn) {
      const trouble = await writeTextfile(parts);
      if (trouble !== null) warn(trouble);
    },
    figures: () => collectFigures(parts),
    figuresText: () => figuresText(parts),
  };
}
