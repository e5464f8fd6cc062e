import type { Call } from '../../api/route.ts';
import type { Asker } from '../runs/start-run.ts';

type Asking = Pick<Call<unknown>, 'caller' | 'signal'>;

/** Who asks a command by a request: when the caller goes away, the command ends. */
export const askerOf = ({ caller, signal }: Asking): Asker => ({ by: caller.identity, signal });

/** The same for what goes to its end when the caller goes away. */
export const lastingAsker = ({ caller }: Pick<Asking, 'caller'>): Asker => ({
  by: caller.identity,
  signal: new AbortController().signal,
});
