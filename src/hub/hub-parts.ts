import { resolve } from 'node:path';
import { isRunning } from '../host/programs/process-identity.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../host/programs/run-folder.ts';
import { createEvaluator } from '../plan/expressions/create-evaluator.ts';
import { version } from '../schemas/package.ts';
import type { Settings } from '../schemas/types.ts';
import { openState, type State } from '../state/database/open-state.ts';
import { assertStatePlace } from '../state/database/state-place.ts';
import { createJournal } from '../state/runs/create-journal.ts';
import { stepRegistry } from '../steps/index.ts';
import { createServices, nodeStateDirOf } from './create-services.ts';
import type { Hub, HubOptions } from './hub.ts';
import { withEnrolledNodes } from './nodes/dial-hub.ts';
import type { NoticeParts } from './notify/notice-parts.ts';
import type { Rescue } from './rescue/rescue.ts';
import { keepRecords, withoutUpkeep } from './runs/keep-records.ts';
import { requireSettings, type UsableSettings } from './runs/load-pipeline.ts';
import { recovery } from './runs/recovery.ts';
import { executeMember, type RunParts } from './runs/execute-plan.ts';
import { ownersElsewhere } from './vm-names/owners-elsewhere.ts';

/** What the calls of a hub share. */
export interface HubParts extends RunParts {
  readonly state: State;
  /** With the nodes that are enrolled when it is asked; so only while the state is open. */
  readonly settings: Settings;
  /** As sendense.yaml has them. */
  readonly written: Settings;
  readonly settingsFile: string;
  readonly settingsFolder: string;
  readonly rescue: Rescue | undefined;
  readonly recover: Hub['recover'];
}

/** Reads the settings, opens the state database, and makes what a hub acts with. The stack closes it all. */
export async function openParts(options: HubOptions, stack: AsyncDisposableStack): Promise<HubParts> {
  const { rescue } = options;
  const usable = requireSettings(rescue?.settingsFile ?? options.config, options.startFolder);
  const { file: settingsFile, folder: settingsFolder } = usable;
  const statePath = resolve(settingsFolder, usable.settings.state);
  assertStatePlace(statePath, `state: ${usable.settings.state} in ${settingsFile}`);
  const state = stack.use(openOwnState(options, statePath));
  const settings = withEnrolledNodes(usable.settings, state);
  const services = createServices(
    {
      version,
      settings,
      settingsFolder,
      state,
      nodeStateDir: await nodeStateDir(options, statePath, stack),
      embeddedNode: options.embeddedNode,
      runPlan: (member) => executeMember(parts, member),
      rescue,
    },
    stack,
  );
  const parts: HubParts = {
    state,
    settings,
    written: usable.settings,
    settingsFile,
    settingsFolder,
    rescue,
    services,
    ...runPartsOf(options, usable, { state, settings, settingsFolder, services, statePath }),
  };
  return parts;
}

interface Opened extends NoticeParts, Pick<HubParts, 'services'> {
  readonly statePath: string;
}

function runPartsOf(
  { rescue, steps }: HubOptions,
  usable: UsableSettings,
  opened: Opened,
): Omit<RunParts, 'services'> & Pick<HubParts, 'recover'> {
  const { state, settings, settingsFolder, services, statePath } = opened;
  const { repositoryPath } = services;
  const journal = createJournal(state, isRunning);
  const kept = keepRecords({ state, settings, settingsFolder, repositoryPath });
  const records = rescue ? withoutUpkeep(kept) : kept;
  const rescuing = rescue !== undefined;
  const elsewhere = ownersElsewhere(statePath, rescuing);
  const registry = steps ?? stepRegistry;
  return {
    loaded: { ...usable.loaded, settings },
    journal,
    records,
    registry,
    elsewhere,
    evaluator: createEvaluator(),
    notices: { state, settings, settingsFolder },
    recover: recovery({ journal, registry, services, records, elsewhere, rescuing }),
  };
}

function openOwnState({ rescue, readOnly, busyTimeout }: HubOptions, statePath: string): State {
  return openState(statePath, {
    readOnly: readOnly === true && !rescue,
    ...(busyTimeout === undefined ? {} : { busyTimeout }),
  });
}

/** A dry-run's agent keeps its state in a folder that is gone afterwards. */
async function nodeStateDir(options: HubOptions, statePath: string, stack: AsyncDisposableStack): Promise<string> {
  if (!options.readOnly) return nodeStateDirOf(statePath);
  const id = ownFolderId('dry');
  const folder = await makeRunFolder(id);
  stack.defer(() => removeRunFolder(id));
  return folder;
}
