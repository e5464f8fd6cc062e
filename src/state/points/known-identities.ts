import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** Names of VMs with restore points, by the identity that their source gives them. */
export const knownIdentities = (state: State): Map<string, string> =>
  new Map(
    state
      .all<{ identity: string; vm: string }>({
        compile: () =>
          sql<never>`
            SELECT DISTINCT b.vm_instance_uuid AS identity, c.vm_name AS vm FROM backups b
            JOIN vm_contexts c ON c.repository = b.repository AND c.context = b.context
            WHERE b.vm_instance_uuid IS NOT NULL`.compile(state.query),
      })
      .map(({ identity, vm }) => [identity, vm]),
  );
