import { listBoots } from '../../state/boots/boots.ts';
import { withState } from './with-state.ts';

/** VMs that run from restore points, by their ids and their names. */
export const bootNames = (config: string | undefined): string[] =>
  withState(config, (state) => [...new Set(listBoots(state).flatMap(({ id, context }) => [context, id]))].sort());
