import { stat } from 'node:fs/promises';
import { loadSettings, type LoadedSettings } from '../../plan/load-settings.ts';
import { version } from '../../schemas/package.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubLog } from '../hub-log.ts';
import { withEnrolledNodes } from '../nodes/dial-hub.ts';
import type { Patience } from './patience.ts';
import { tellOnce } from './tell-once.ts';

export interface FollowedSettings {
  /** Those that were valid last. Runs read the settings themselves. */
  current(): LoadedSettings;
  /** Another one after each change of the file. */
  mark(): string;
  /** Reads them where the file changed. @param final what is wrong is told at once, because nothing is read again */
  read(how: { readonly final: boolean }): Promise<void>;
  /** The next `read` takes them for changed. */
  forget(): void;
}

export interface FollowSettingsOptions {
  readonly state: State;
  /** Absolute. */
  readonly settingsFile: string;
  /** Of the plans. */
  readonly folder: string;
  readonly patience: Patience;
  readonly log: HubLog;
}

/** The settings of a daemon: as they were while the file is being changed, or is wrong. */
export function followSettings({
  state,
  settingsFile,
  folder,
  patience,
  log,
}: FollowSettingsOptions): FollowedSettings {
  let settings = loadSettings(settingsFile, folder);
  let mark = '';
  const trouble = tellOnce(state, log, {
    file: settingsFile,
    code: 'settings.invalid',
    meaning: 'the settings are invalid; no run can begin until they are valid',
  });

  return {
    current: () => settings,
    mark: () => mark,
    forget: () => void (mark = ''),
    async read({ final }) {
      const stamp = await stat(settingsFile).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`,
        () => '',
      );
      const next = `${version}:${stamp}`;
      if (next === mark) return patience.over(settingsFile);
      const loaded = loadSettings(settingsFile, folder);
      if (!loaded.settings) {
        if (!final && !patience.lasted(settingsFile)) return;
        const [problem] = loaded.diagnostics;
        return trouble.tell(`${settingsFile}:${problem?.line ?? 1}: ${problem?.message ?? 'they are gone'}`);
      }
      patience.over(settingsFile);
      trouble.over();
      if (mark !== '' && loaded.settings.state !== settings.settings?.state)
        log.warn({ file: settingsFile }, 'another state database is used after a restart only');
      settings = { ...loaded, settings: withEnrolledNodes(loaded.settings, state) };
      mark = next;
    },
  };
}
