import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { builtInNode } from '../hub/nodes/dial-hub.ts';
import type { LoadedSettings } from '../plan/load-settings.ts';
import { listNodes } from '../state/nodes/nodes.ts';
import { openState } from '../state/database/open-state.ts';

/** Nodes that were added on the hub with these settings; none where its state database cannot be read. */
export function enrolledNodeNames({ settings, folder }: LoadedSettings): string[] {
  if (!settings) return [];
  try {
    using state = openState(resolve(folder, settings.state), { readOnly: true });
    return listNodes(state)
      .map(({ name }) => name)
      .filter((name) => name !== builtInNode);
  } catch (error) {
    if (error instanceof SendenseError) return [];
    throw error;
  }
}
