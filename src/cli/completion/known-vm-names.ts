import { loadSettings } from '../../plan/load-settings.ts';
import { kindOf } from '../../sources/index.ts';
import { listVmNames } from '../../state/runs/runs.ts';
import { withState } from './with-state.ts';

/** VMs that are known here without asking a source: those of sendense.yaml, and those that plans were run for. */
export function knownVmNames(config: string | undefined): string[] {
  const sources = Object.values(loadSettings(config, process.cwd()).settings?.sources ?? {});
  const written = sources.flatMap((source) => [...kindOf(source).vmNames(source)]);
  return [...new Set([...written, ...withState(config, listVmNames)])].sort();
}
