import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clientOver, type NbdClient } from '../../host/nbd/nbd-client.ts';
import { openNbdConnection } from '../../host/nbd/nbd-connection.ts';
import type { Qmp } from './qmp.ts';

/** Disks as the guest sees them, with what it has written to the throw-away overlays. */
export interface Layers extends AsyncDisposable {
  /** By slot. */
  readonly clients: readonly NbdClient[];
}

/**
 * Connects to each disk's overlay, past the guest. To be called before the guest sees the disks: who writes a disk and takes the guest
 * over could put another socket there.
 */
export async function connectLayers(
  { qmp, out }: { readonly qmp: Qmp; readonly out: string },
  sizes: readonly number[],
): Promise<Layers> {
  await using stack = new AsyncDisposableStack();
  await qmp.execute('nbd-server-start', { addr: { type: 'unix', data: { path: '/out/layers' } } });
  const exported = sizes.map((_size, slot) =>
    qmp.execute('block-export-add', {
      'type': 'nbd',
      'id': `read${slot}`,
      'node-name': `layer${slot}`,
      'name': `layer${slot}`,
    }),
  );
  await Promise.all(exported);
  const opened = sizes.map(async (size, slot) => {
    const uri = `nbd+unix:///layer${slot}?socket=${encodeURIComponent(join(out, 'layers'))}`;
    const client = stack.use(clientOver(uri, await openNbdConnection(uri, `disk ${slot} of the reader`, {})));
    if (client.size !== size) throw new SendenseError('files.reader', `disk ${slot} of the reader has another size`);
    return client;
  });
  const clients = await Promise.all(opened);
  const made = stack.move();
  return { clients, [Symbol.asyncDispose]: () => made.disposeAsync() };
}
