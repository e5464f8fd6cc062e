import type { FilesMountsOutput, RestorePointOutput } from '../../schemas/types.ts';
import { ask, type Trouble } from './ask.ts';
import { addressOf, openPoint, type OpenPoint } from './open-point.ts';

export interface EachPoint {
  /** @returns why the restore point told nothing */
  look(point: RestorePointOutput, open: OpenPoint): Promise<Trouble | undefined>;
  /** One was looked into, or could not be. */
  onLooked(point: RestorePointOutput, trouble: Trouble | undefined): void;
}

/** Looks into restore points, one after the other. What was not open before is closed again. */
export async function eachPoint(
  points: readonly RestorePointOutput[],
  { look, onLooked }: EachPoint,
  signal: AbortSignal,
): Promise<void> {
  for (const point of points) {
    signal.throwIfAborted();
    const before = await ask<FilesMountsOutput>('/api/v1/restore/mounts', { signal });
    const { vm, repository, backup_id: id } = point;
    const open = openPoint({ vm, repository, point: id });
    const at = await open.open();
    try {
      const trouble = typeof at === 'string' ? await look(point, open) : at;
      signal.throwIfAborted();
      onLooked(point, trouble);
    } finally {
      const session = open.info.peek()?.id;
      const wasOpen = before.ok !== true || before.body.mounts.some((one) => one.id === session);
      if (session !== undefined && !wasOpen) await ask(addressOf(session), { method: 'DELETE' });
    }
  }
}
