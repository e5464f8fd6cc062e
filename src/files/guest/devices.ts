import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PluggedDisk } from '../protocol.ts';
import { GuestError } from './guest-error.ts';
import { loadModules } from './modules.ts';
import { run, succeed } from './programs.ts';

/** A block device of the guest that may hold something. */
export interface Device {
  /** Name of the volume. */
  readonly id: string;
  /** In /dev. */
  readonly path: string;
  readonly bytes: number;
  /** What is wrong with it, whatever it holds. */
  readonly note: string | null;
}

const sector = 512;

/**
 * Disks that were plugged in, and their partitions. A slot is larger than its disk, because it has its size before the disk is known:
 * what needs the end of the disk sees a device that is as long as the disk.
 */
export async function devicesOf(disks: readonly PluggedDisk[]): Promise<Device[]> {
  if (disks.length === 0) return [];
  await loadModules('dm-mod', 'virtio_blk');
  const devices: Device[] = [];
  for (const [slot, disk] of disks.entries()) devices.push(...(await devicesOn(disk, slotName(slot))));
  return devices;
}

const letters = 26;

/** As the kernel names them: `vda` to `vdz`, then `vdaa`. Source: virtblk_name_format in drivers/block/virtio_blk.c. */
export function slotName(slot: number): string {
  const last = String.fromCharCode(97 + (slot % letters));
  return slot < letters ? `vd${last}` : `${slotName(Math.floor(slot / letters) - 1)}${last}`;
}

/** Null: it is no such name. */
export function slotOf(name: string): number | null {
  const found = /^vd([a-z]{1,3})$/.exec(name)?.[1];
  if (found === undefined) return null;
  return [...found].reduce((number, letter) => number * letters + letter.charCodeAt(0) - 96, 0) - 1;
}

async function devicesOn({ number, bytes }: PluggedDisk, slot: string): Promise<Device[]> {
  const seen = partitionsOf(slot);
  const whole: Device = { id: `disk-${number}`, path: `/dev/mapper/disk-${number}`, bytes, note: null };
  if (seen.length > 0)
    return seen.map((part) => ({
      id: `${whole.id}p${part.number}`,
      path: `/dev/${slot}${/\d$/.test(slot) ? 'p' : ''}${part.number}`,
      bytes: part.bytes,
      note: part.start + part.bytes > bytes ? 'it ends beyond the end of the disk' : null,
    }));
  // One that is open as a whole lends no partitions.
  await map([{ name: whole.id, start: 0, sectors: Math.floor(bytes / sector), on: `/dev/${slot}` }]);
  try {
    const found = await partitionsBelow(whole);
    return found.length > 0 ? found : [whole];
  } catch (error) {
    // A table that makes no sense is no reason to say nothing of the other disks.
    if (!(error instanceof GuestError)) throw error;
    return [{ ...whole, note: `its partitions cannot be found: ${error.message}` }];
  }
}

interface Partition {
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
}

/** What the guest's kernel found. An extended partition of an MBR is there with two sectors: it holds others. */
function partitionsOf(slot: string): Partition[] {
  const folder = `/sys/class/block/${slot}`;
  const figure = (name: string, what: string): number =>
    Number(readFileSync(join(folder, name, what), 'utf8')) * sector;
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'partition')))
    .map((name) => ({
      number: Number(readFileSync(join(folder, name, 'partition'), 'utf8')),
      start: figure(name, 'start'),
      bytes: figure(name, 'size'),
    }))
    .filter(({ bytes }) => bytes > 2 * sector)
    .sort((a, b) => a.number - b.number);
}

/** Tables that the kernel did not see: for sectors of 4096 bytes, or where only the copy at the disk's end is left. */
async function partitionsBelow(disk: Device): Promise<Device[]> {
  for (const size of [512, 4096]) {
    const columns = ['--raw', '--noheadings', '-o', 'NR,START,SECTORS'];
    const { status, out } = await run('partx', ['--sector-size', String(size), ...columns, disk.path]);
    const lines = status === 0 ? out.toString().split('\n').filter(Boolean) : [];
    const found = lines
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, , sectors = 0]) => sectors > 2)
      .map(([number = 0, start = 0, sectors = 0]) => ({ number, start, sectors }));
    if (found.length === 0) continue;
    const fitting = found.filter(({ start, sectors }) => (start + sectors) * sector <= disk.bytes);
    await map(
      fitting.map(({ number, start, sectors }) => ({ name: `${disk.id}p${number}`, start, sectors, on: disk.path })),
    );
    return fitting.map(({ number, sectors }) => ({
      id: `${disk.id}p${number}`,
      path: `/dev/mapper/${disk.id}p${number}`,
      bytes: sectors * sector,
      note: null,
    }));
  }
  return [];
}

interface Piece {
  readonly name: string;
  readonly start: number;
  readonly sectors: number;
  readonly on: string;
}

/** Devices that are pieces of others. Source: dmsetup(8), `--concise`. */
async function map(pieces: readonly Piece[]): Promise<void> {
  const table = pieces
    .map(({ name, start, sectors, on }) => `${name},,,rw,0 ${sectors} linear ${on} ${start}`)
    .join(';');
  if (table !== '') await succeed('dmsetup', ['create', '--concise', table]);
}
