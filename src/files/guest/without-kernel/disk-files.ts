import { closeSync, mkdirSync, openSync, readSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { connectQmp, type Qmp } from '../../qmp.ts';
import type { PluggedDisk } from '../../protocol.ts';
import type { Device } from '../devices.ts';
import { run } from '../programs.ts';

/** Disks and partitions as files, by the disks' server. */
export class DiskFiles {
  #qmp: Promise<Qmp> | null = null;
  /** Of the disks' server, by path. */
  readonly #nodes = new Map<string, string>();

  async devicesOf(disks: readonly PluggedDisk[]): Promise<Device[]> {
    mkdirSync(folder, { recursive: true });
    const devices: Device[] = [];
    for (const [slot, disk] of disks.entries()) devices.push(...(await this.#devicesOn(disk, slot)));
    return devices;
  }

  /** How long such a file is: what was cut off is shorter than its partition. */
  bytesOf(path: string): number {
    return statSync(path).size;
  }

  /** Another file with the content of one of them: what is written to it goes to a copy that is thrown away. */
  async writable(path: string, bytes: number): Promise<string> {
    const name = `${basename(path)}-copy`;
    const qmp = await this.#connected();
    const filename = `/tmp/${name}`;
    writeFileSync(filename, '');
    await qmp.execute('blockdev-add', { 'driver': 'file', 'node-name': `${name}-file`, filename });
    await qmp.runJob('blockdev-create', { options: { driver: 'qcow2', file: `${name}-file`, size: bytes } });
    const backing = this.#nodes.get(path);
    await qmp.execute('blockdev-add', { 'driver': 'qcow2', 'node-name': name, 'file': `${name}-file`, backing });
    return this.#show(name, name, true);
  }

  async #devicesOn({ number, bytes }: PluggedDisk, slot: number): Promise<Device[]> {
    const id = `disk-${number}`;
    const whole = await this.#show(id, `layer${slot}`);
    const partitions = await partitionsOf(whole, bytes);
    if (partitions.length === 0) return [{ id, path: whole, bytes, note: null }];
    const devices: Device[] = [];
    for (const part of partitions) {
      const length = Math.min(part.bytes, bytes - part.start);
      const note = length < part.bytes ? 'it ends beyond the end of the disk' : null;
      const name = `${id}p${part.number}`;
      const place = { file: `layer${slot}`, offset: part.start, size: length };
      const path = length > 0 ? await this.#showPart(name, place) : nothing;
      devices.push({ id: name, path, bytes: part.bytes, note });
    }
    return devices;
  }

  async #showPart(name: string, place: object): Promise<string> {
    const qmp = await this.#connected();
    await qmp.execute('blockdev-add', { 'driver': 'raw', 'node-name': name, 'read-only': true, ...place });
    return this.#show(name, name);
  }

  async #show(name: string, node: string, writable = false): Promise<string> {
    const path = `${folder}/${name}`;
    writeFileSync(path, '');
    const qmp = await this.#connected();
    await qmp.execute('block-export-add', {
      'type': 'fuse',
      'id': `show-${name}`,
      'node-name': node,
      'mountpoint': path,
      writable,
      'allow-other': 'off',
    });
    this.#nodes.set(path, node);
    return path;
  }

  #connected(): Promise<Qmp> {
    return (this.#qmp ??= connectQmp('/tmp/qmp'));
  }
}

const folder = '/tmp/disks';
/** What lies wholly beyond the end of its disk. */
const nothing = '/dev/null';
const sector = 512;
const largest = 64 * 2 ** 40;
const headBytes = 1024 * 1024;

interface Partition {
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
}

/** A disk that was cut off is read as if it were longer, for no tool takes a table that is of a longer one. */
async function partitionsOf(disk: string, bytes: number): Promise<Partition[]> {
  for (const size of [512, 4096]) {
    const found = await listed(disk, size);
    if (found.length > 0) return found;
  }
  const head = '/tmp/head';
  writeFileSync(head, firstBytes(disk, Math.min(bytes, headBytes)));
  truncateSync(head, largest);
  return await listed(head, sector);
}

/** What holds logical partitions, by what partx calls it. */
const extended = /^0x(5|f|85)$/;

/** Source: partx(8); it counts in 512 bytes, however large the sectors are. */
async function listed(file: string, sectorBytes: number): Promise<Partition[]> {
  const columns = ['--raw', '--noheadings', '-o', 'NR,START,SECTORS,TYPE'];
  const { status, out } = await run('partx', ['--sector-size', String(sectorBytes), ...columns, file]);
  if (status !== 0) return [];
  return out
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , type = '']) => !extended.test(type))
    .map(([number, start, sectors]) => ({
      number: Number(number),
      start: Number(start) * sector,
      bytes: Number(sectors) * sector,
    }));
}

function firstBytes(file: string, length: number): Buffer {
  const open = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(open, bytes, 0, length, 0));
  } finally {
    closeSync(open);
  }
}
