import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { toBackground } from '../programs/background.ts';
import { diskArgs, type GuestDisk } from './guest-disks.ts';
import { isRunning, terminate } from '../programs/process-identity.ts';
import { runTool, tail } from '../programs/process.ts';
import { readPicture, type Picture } from './picture.ts';
import type { SeenGuest } from './seen-guest.ts';
import { connectJsonSocket, type JsonSocket } from './qmp.ts';
import { startServer } from '../programs/start-server.ts';

export const qemuSystem = 'qemu-system-x86_64';

export interface GuestOptions {
  /** For sockets and pid file. */
  readonly folder: string;
  /** Written to: give overlays. */
  readonly disks: readonly GuestDisk[];
  readonly accel: 'tcg' | 'kvm';
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Code and a copy of the variables of UEFI; null: BIOS. */
  readonly efi: { readonly code: string; readonly variables: string } | null;
  /** Give it a port for the guest agent. */
  readonly agent: boolean;
  /** Give it a virtio network card that is connected to nothing. */
  readonly virtioCard?: boolean;
  /** From which names of `disks` count that are not absolute. Default: the root. */
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A virtual machine without a network. */
export interface Guest extends SeenGuest, AsyncDisposable {
  readonly process: ProcessIdentity;
  isRunning(): boolean;
}

/** Of what the guest writes so much is kept, a power of two: one that writes without end fills nothing up. */
export const consoleRings = { serial: 1024 * 1024, firmware: 64 * 1024 } as const;
const agentName = 'agent.sock';
const qmpName = 'qmp.sock';
export const guestPidName = 'guest.pid';

/** The first serial port, and the port where its firmware says what it does: {@link consoleRings} keep what comes last. */
export const consoleArgs = (): string[] => [
  '-chardev',
  `ringbuf,id=serial,size=${consoleRings.serial}`,
  '-serial',
  'chardev:serial',
  '-chardev',
  `ringbuf,id=firmware,size=${consoleRings.firmware}`,
  '-device',
  `isa-debugcon,iobase=${firmwarePort},chardev=firmware`,
];

const loneCard = ['-netdev', 'hubport,id=net0,hubid=0', '-device', 'virtio-net-pci,netdev=net0,romfile='];

/** A port for the agent in the guest. @param path of its socket, in which commas are doubled */
export const agentArgs = (path: string): string[] => [
  '-device',
  'virtio-serial',
  '-chardev',
  `socket,id=agent,path=${path},server=on,wait=off`,
  '-device',
  'virtserialport,chardev=agent,name=org.qemu.guest_agent.0',
];

/** Arguments of qemu-system-x86_64. */
export function guestArgs(options: GuestOptions): string[] {
  const { folder, disks, efi, agent } = options;
  const path = (name: string): string => join(folder, name).replaceAll(',', ',,');
  return [
    '-nodefaults',
    '-no-user-config',
    '-machine',
    'pc',
    '-accel',
    options.accel,
    '-cpu',
    options.accel === 'kvm' ? 'host' : 'max',
    '-smp',
    String(options.cpus),
    '-m',
    `${Math.max(16, Math.floor(options.memoryBytes / 1024 ** 2))}M`,
    ...(options.virtioCard ? loneCard : ['-nic', 'none']),
    '-display',
    'none',
    '-vga',
    'std',
    ...consoleArgs(),
    '-qmp',
    `unix:${path(qmpName)},server=on,wait=off`,
    ...(efi
      ? [
          '-drive',
          `if=pflash,format=raw,readonly=on,file=${efi.code}`,
          '-drive',
          `if=pflash,format=raw,file=${efi.variables.replaceAll(',', ',,')}`,
        ]
      : []),
    ...(disks.find(({ image }) => image.objects.length > 0)?.image.objects ?? []).map((word) =>
      word.replace(/^--/, '-'),
    ),
    ...diskArgs(disks),
    ...(agent ? agentArgs(path(agentName)) : []),
    '-pidfile',
    join(folder, guestPidName),
  ];
}

/**
 * Starts a virtual machine in the background; it runs when this returns. It ends with this process, however that ends.
 * @throws SendenseError `tool.missing`, `tool.failed`
 */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  const { folder, signal } = options;
  const secret = options.disks.find(({ image }) => image.secret !== undefined)?.image.secret;
  const started = await startServer(qemuSystem, guestArgs(options), {
    secret,
    isReady: () => monitorAnswers(folder),
    cwd: options.cwd,
    timeoutMs: 120_000,
    signal,
  });
  if (!started.identity)
    throw new SendenseError('tool.failed', `${qemuSystem} ${started.end.exit}: ${tail(started.end.said)}`);
  const process = started.identity;
  toBackground(process.pid);
  let qmp: JsonSocket | null = null;
  const connected = async (): Promise<JsonSocket> => {
    if (qmp) return qmp;
    qmp = await connectJsonSocket(join(folder, qmpName));
    await qmp.ask('qmp_capabilities');
    return qmp;
  };
  const said = new Map<string, string>();
  /** What was said so far on a device that keeps the last `size` bytes. */
  const saidOn = async (device: string, size: number): Promise<string> => {
    const more = isRunning(process)
      ? await connected()
          .then((socket) => socket.ask('ringbuf-read', { device, size }))
          .catch(() => '')
      : '';
    const all = ((said.get(device) ?? '') + String(more)).slice(-size);
    said.set(device, all);
    return all;
  };
  return {
    process,
    isRunning: () => isRunning(process),
    serial: () => saidOn('serial', consoleRings.serial),
    foundNothing: async () =>
      foundNothing(await saidOn('firmware', consoleRings.firmware), await saidOn('serial', consoleRings.serial)),
    agentAnswers: () => pingAgent(join(folder, agentName)),
    picture: () => takePicture(join(folder, 'screen.ppm'), connected),
    async [Symbol.asyncDispose]() {
      qmp?.[Symbol.dispose]();
      await terminate(process, { graceMs: 5000, againMs: 500 });
    },
  };
}

/** QEMU makes the file for everybody to read, and what a screen shows may be a secret: only the owner gets into the folder. */
async function takePicture(file: string, connected: () => Promise<JsonSocket>): Promise<Picture | null> {
  try {
    await (await connected()).ask('screendump', { filename: file, format: 'ppm' });
    const content = await readFile(file);
    await rm(file, { force: true });
    return readPicture(content);
  } catch {
    return null;
  }
}

/** It does so once the machine is made. */
async function monitorAnswers(folder: string): Promise<boolean> {
  try {
    using socket = await connectJsonSocket(join(folder, qmpName));
    await socket.ask('qmp_capabilities');
    return true;
  } catch {
    return false;
  }
}

/** What the agent in a guest may take to answer, which is `{"return": {}}`. */
const ping = { timeoutMs: 2000, mostBytes: 64 * 1024 };

/** Whether the agent in a guest answers. */
export async function pingAgent(path: string): Promise<boolean> {
  try {
    using agent = await connectJsonSocket(path, ping);
    await agent.ask('guest-ping');
    return true;
  } catch {
    return false;
  }
}

/** Where SeaBIOS says what it does. */
const firmwarePort = '0x402';
const biosFoundNothing = /No bootable device/;
/** OVMF says it on the serial console; where it has a shell, it starts that last. */
const efiFoundNothing = /BdsDxe: (No bootable option or device was found|starting \S+ "EFI Internal Shell")/;

/** Whether its firmware says that there is nothing on the disks that it can start. */
export const foundNothing = (firmware: string, serial: string): boolean =>
  biosFoundNothing.test(firmware) || efiFoundNothing.test(serial);

/** What the firmware says on its debug port when it is through: a KVM was seen that hangs before that. */
const firmwareSays = /No bootable device|enter handle_18/;
const probeMs = 8000;

/** Whether KVM truly works here: a device that is there can still hang for ever. */
export async function kvmWorks(signal?: AbortSignal): Promise<boolean> {
  const seen = new AbortController();
  const stop = signal ? AbortSignal.any([seen.signal, signal]) : seen.signal;
  let said = '';
  // With the CPU that a guest gets: there are hosts on which KVM works with QEMU's own and dies with this one.
  const args = [
    '-nodefaults',
    '-machine',
    'pc',
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-m',
    '16M',
    '-nic',
    'none',
    '-display',
    'none',
  ];
  try {
    await runTool(qemuSystem, [...args, '-debugcon', 'stdio', '-global', `isa-debugcon.iobase=${firmwarePort}`], {
      signal: stop,
      timeoutMs: probeMs,
      onStdoutText: (text) => {
        said += text;
        if (firmwareSays.test(said)) seen.abort();
      },
    });
  } catch {
    signal?.throwIfAborted();
  }
  return firmwareSays.test(said);
}
