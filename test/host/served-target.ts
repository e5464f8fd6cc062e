import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { runTool } from '../../src/host/programs/process.ts';
import type { Workshop } from '../blocks/workshop.ts';

/** Where a target listens: at a socket, or at a port of an address. */
type Listen = Parameters<typeof serveNbd>[0]['listen'];

/** Makes a fresh qcow2 of so many bytes. */
export const makeTarget = (file: string, size: number): Promise<unknown> =>
  runTool('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(size)]);

/** Serves a qcow2 as the hub does it; an empty description is none. */
export const serveTarget = (
  shop: Workshop,
  file: string,
  listen: Listen,
  description: string = randomUUID(),
): Promise<NbdServer> =>
  serveNbd({
    file,
    format: 'qcow2',
    readOnly: false,
    listen,
    exportName: 'target',
    pidFile: shop.path(`${basename(file)}.pid`),
    clients: 64,
    description: description === '' ? undefined : description,
  });
