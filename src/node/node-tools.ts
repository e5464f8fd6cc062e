import { requireTools } from '../host/programs/tools.ts';
import type { NodeHealth } from '../schemas/types.ts';

const needed = ['qemu-img', 'qemu-nbd', 'nbdkit', 'nbdcopy'] as const;

/** The programs that this node needs, with their versions; null where one is missing or too old. */
export const nodeTools = (): Promise<NodeHealth['tools']> =>
  Promise.all(
    needed.map((name) =>
      requireTools([name]).then(
        ([tool]) => ({ name, version: tool?.version ?? null }),
        () => ({ name, version: null }),
      ),
    ),
  );
