import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clientOver, type NbdClient } from '../../host/nbd/nbd-client.ts';
import { openNbdConnection } from '../../host/nbd/nbd-connection.ts';
import { nbd } from '../../host/nbd/nbd-protocol.ts';
import { unixUri } from '../../host/nbd/nbd-uri.ts';
import type { Qmp } from '../qmp.ts';
import type { Area } from './stored.ts';

/** A disk as the guest sees it, with what it has written to the throw-away overlay. */
export interface Layer {
  readonly client: NbdClient;
  /** What of an area the overlay has, in order. */
  written(area: Area): Promise<readonly Area[]>;
}

export interface Layers extends AsyncDisposable {
  /** By slot. */
  readonly all: readonly Layer[];
}

/** `qemu:allocation-depth` of bytes that lie in the overlay itself. */
const inOverlay = 1;

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
      'allocation-depth': true,
    }),
  );
  await Promise.all(exported);
  const opened = sizes.map(async (size, slot) => {
    const uri = unixUri(join(out, 'layers'), `layer${slot}`);
    const name = `disk ${slot} of the reader`;
    const client = stack.use(clientOver(uri, await openNbdConnection(uri, name, {})));
    if (client.size !== size) throw new SendenseError('files.reader', `${name} has another size`);
    const depths = stack.use(await openNbdConnection(uri, name, { context: 'qemu:allocation-depth' }));
    return { client, written: (area: Area) => writtenIn(depths, area) };
  });
  const all = await Promise.all(opened);
  const made = stack.move();
  return { all, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

type Connection = Awaited<ReturnType<typeof openNbdConnection>>;

/** Longest block status, bytes. */
const mostBytes = 2 ** 30;

async function writtenIn({ facts, request }: Connection, { offset, length }: Area): Promise<Area[]> {
  // Without the answer all of it may be written to.
  if (facts.allocationContext === null) return [{ offset, length }];
  const written: Area[] = [];
  for (let at = offset; at < offset + length;) {
    const told = await request(nbd.command.blockStatus, {
      offset: at,
      length: Math.min(mostBytes, offset + length - at),
    });
    for (const extent of told) {
      if (extent.state === inOverlay) written.push({ offset: extent.offset, length: extent.length });
      at = extent.offset + extent.length;
    }
  }
  return written;
}
