import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import type { Settings } from '../../schemas/types.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { LoadedSettings } from '../load-settings.ts';
import { isThisMachine } from '../yaml/in-the-clear.ts';
import type { PlanDocument } from '../yaml/document.ts';

/** What is allowed in valid settings, and hardly meant. */
export function settingsWarnings(loaded: LoadedSettings): Diagnostic[] {
  const { settings, document, diagnostics } = loaded;
  if (!settings || !document || diagnostics.length > 0) return [];
  return [...untoldChannels(settings, document), ...unreachableDisks(settings)].map((finding) => ({
    ...diagnosticOf(document, finding),
    severity: 'warning',
  }));
}

/** Channels that nobody is told through. `default: []` says that it is meant. */
function untoldChannels(settings: Settings, document: PlanDocument): Finding[] {
  if (Object.keys(settings.notify.channels).length === 0) return [];
  const { notify } = document.value as { readonly notify?: { readonly default?: unknown } };
  if (notify?.default !== undefined) return [];
  const message = 'there is no notify.default, so these channels get notices only of plans that name them';
  return [{ rule: 'settings/no-default', at: { path: ['notify', 'channels'], part: 'key' }, message }];
}

/** A node on another machine, as its address has it, does not get to the loopback of this one. */
const unreachableDisks = ({ nodes }: Settings): Finding[] =>
  Object.entries(nodes).flatMap(([name, node]): Finding[] =>
    node.mode !== 'direct' || node.data || isThisMachine(node.url)
      ? []
      : [
          {
            rule: 'settings/no-data',
            at: { path: ['nodes', name], part: 'key' },
            message: `node ${shown(name)} at ${node.url} has no data:, so its disks are served at 127.0.0.1 of this machine, which another machine cannot reach`,
          },
        ],
  );
