import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { deliver, type DeliveryResult } from '../../../src/hub/notify/deliver.ts';
import { requireSettings } from '../../../src/hub/runs/load-pipeline.ts';
import type { Settings } from '../../../src/schemas/types.ts';
import { deliveryHistory, type DeliveryRecord } from '../../../src/state/notices/deliveries.ts';
import type { State } from '../../../src/state/database/open-state.ts';
import { temporaryState, type TemporaryState } from '../../state/temporary-state.ts';

export interface NotifyBench extends TemporaryState {
  readonly settings: Settings;
  readonly warnings: string[];
  deliver(more?: { waitMs?: number; atOnce?: boolean; signal?: AbortSignal }): Promise<DeliveryResult>;
  /** Newest first. */
  history(): DeliveryRecord[];
  write(name: string, text: string): string;
}

/** A state database and settings with these channels, all of them by default. */
export function notifyBench(
  channels: (folder: string) => Record<string, object>,
  entries?: readonly object[],
): NotifyBench {
  const temporary = temporaryState();
  const { folder, state } = temporary;
  const made = channels(folder);
  const notify = { channels: made, default: entries ?? Object.keys(made).map((channel) => ({ channel })) };
  writeFileSync(
    join(folder, 'sendense.yaml'),
    stringify({ repositories: { primary: { path: './repository' } }, state: './sendense.db', notify }),
  );
  const { settings } = requireSettings(join(folder, 'sendense.yaml'), folder);
  const warnings: string[] = [];
  return {
    ...temporary,
    state,
    settings,
    warnings,
    deliver: (more = {}) =>
      deliver({
        state,
        settings,
        settingsFolder: folder,
        signal: more.signal ?? new AbortController().signal,
        waitMs: more.waitMs ?? 0,
        atOnce: more.atOnce ?? true,
        warn: (message) => void warnings.push(message),
      }),
    history: () => deliveryHistory(state, 1000),
    write: (name, text) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    },
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

/** Everything that the database holds, as text. */
export const allText = (state: State): string =>
  JSON.stringify([
    state.all(state.query.selectFrom('notices').selectAll()),
    state.all(state.query.selectFrom('deliveries').selectAll()),
    state.all(state.query.selectFrom('channels').selectAll()),
  ]);
