import type { Style } from './style.ts';

export interface SummaryOptions {
  readonly style: Style;
  readonly columns: number;
  /** What has to stand behind `sendense-run` so that it finds the run: nothing, or `--config FILE`; null: nobody will find it. */
  readonly settings?: string | null;
}
