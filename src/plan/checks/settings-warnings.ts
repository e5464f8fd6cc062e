import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { LoadedSettings } from '../load-settings.ts';

/** What is allowed in valid settings, and hardly meant: channels that nobody is told through. `default: []` says that it is. */
export function settingsWarnings({ settings, document, diagnostics }: LoadedSettings): Diagnostic[] {
  if (!settings || !document || diagnostics.length > 0 || Object.keys(settings.notify.channels).length === 0) return [];
  const { notify } = document.value as { readonly notify?: { readonly default?: unknown } };
  if (notify?.default !== undefined) return [];
  const message = 'there is no notify.default, so these channels get notices only of plans that name them';
  const at = { path: ['notify', 'channels'], part: 'key' } as const;
  return [{ ...diagnosticOf(document, { rule: 'settings/no-default', at, message }), severity: 'warning' }];
}
