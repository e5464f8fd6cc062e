import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bootNetworkOf } from '../../boot/boot-machine.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Boots } from '../../hub/boots/manage-boots.ts';
import type { Hub } from '../../hub/hub.ts';
import type { BootOutput } from '../../schemas/types.ts';
import { bootReport, bootsReport, movedReport } from '../../view/reports/boot-report.ts';
import { formatBytes } from '../../view/format.ts';
import { printable, printableText } from '../../view/text.ts';
import { assertFolder } from '../assert-folder.ts';
import type { CommandContext } from '../command.ts';
import { confirmed } from '../confirmed.ts';
import { countOption } from '../count-option.ts';
import { durationOption } from '../duration-option.ts';
import { pointRequestIn } from '../files/file-target.ts';
import { onlyRepository } from '../only-repository.ts';
import { nameOfUser } from '../name-of-user.ts';
import { ownProgram } from '../own-program.ts';
import { pointChoice } from '../point-option.ts';
import { print } from '../print.ts';
import { assertPathOfHub } from '../remote/path-of-hub.ts';
import { sizeOption } from '../size-option.ts';

type Words = Readonly<Record<string, string | undefined>>;

/** Opens the hub, acts, and makes sure that somebody looks after the VMs, whatever became of it. */
async function withBoots(
  context: CommandContext,
  act: (boots: Boots, hub: Hub, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const boots = await hub.boots();
  const look = (): Promise<void> => boots.look({ program: ownProgram(), settingsFile: hub.settingsFile });
  await look();
  try {
    return await act(boots, hub, signals.gently);
  } finally {
    await look();
  }
}

export async function boot(context: CommandContext): Promise<number> {
  const options = context.options as Words;
  const { network: asked = 'none', memory, cpus, firmware, accel = 'auto', folder, reserve, quota } = options;
  const network = bootNetworkOf(asked);
  if (network === null)
    throw new SendenseError(
      'usage',
      `--network ${asked}: say none, isolated, bridge:NAME, or the name of a network of libvirt`,
    );
  const wanted = {
    ...(memory === undefined ? {} : { memoryBytes: sizeOption('--memory', memory) }),
    ...(cpus === undefined ? {} : { cpus: countOption('--cpus', cpus, 1024) }),
    ...(firmware === undefined ? {} : { firmware: firmware as 'bios' | 'efi' }),
  };
  const limits = {
    reserveBytes: sizeOption('--reserve', reserve),
    quotaBytes: quota === undefined ? null : sizeOption('--quota', quota),
  };
  return withBoots(context, async (boots, hub, signal) => {
    const meant = await pointRequestIn(context, context.args[0] ?? '', (ask) => ask(hub));
    const { boot: started, remark } = await boots.start({
      repository: meant.repository ?? (await onlyRepository(hub, meant.vm)),
      vm: meant.vm,
      choice: pointChoice(meant.point ?? 'latest'),
      identity: meant.identity,
      wanted,
      accel: accel as 'auto' | 'kvm' | 'tcg',
      network,
      keepMac: context.options['keepMac'] === true,
      keepIdentity: context.options['keepIdentity'] === true,
      parent: folder === undefined ? undefined : resolve(folder),
      ...limits,
      by: options.by ?? nameOfUser(),
      signal,
    });
    warn(context, remark);
    tell(context, started);
    return 0;
  });
}

export const list = (context: CommandContext): Promise<number> =>
  withBoots(context, async (boots) => {
    const output = await boots.list();
    print(context, output, (options) => bootsReport(output, options));
    return 0;
  });

export const status = (context: CommandContext): Promise<number> =>
  withBoots(context, async (boots) => {
    const { screenshot } = context.options as Words;
    const found = await boots.status(context.args[0] ?? '');
    if (screenshot !== undefined) await boots.screenshot(found.id, resolve(screenshot));
    tell(context, found);
    if (context.options['serial'] === true && !context.global.json)
      context.terminal.stdout.write(`\n${printableText(await boots.serial(found.id))}\n`);
    return 0;
  });

export const start = (context: CommandContext): Promise<number> =>
  withBoots(context, async (boots, _hub, signal) => {
    const { id } = await boots.status(context.args[0] ?? '');
    tell(context, await boots.again(id, signal));
    return 0;
  });

export const stop = (context: CommandContext): Promise<number> =>
  withBoots(context, async (boots, _hub, signal) => {
    const { yes = false, powerOff = false, force = false } = context.options as Readonly<Record<string, boolean>>;
    const found = await boots.status(context.args[0] ?? '');
    if (force && !powerOff)
      throw new SendenseError('usage', '--force is for --power-off; without it the plug is pulled anyway');
    if (powerOff) {
      const graceMs = force ? 0 : durationOption('--timeout', context.options['timeout'], 1000);
      tell(context, await boots.off(found.id, graceMs, signal));
      return 0;
    }
    if (!yes && !(await mayEnd(context, found))) return 0;
    await boots.stop(found.id);
    const ended: BootOutput = { ...found, state: 'off', why: 'it was ended', guest_pid: null, vnc: null };
    print(context, ended, ({ style }) => [
      `${style.green(style.symbols.done)} ${found.id} of ${printable(found.vm)} is gone${found.move?.done === true ? `; its disks stay in ${printable(found.move.directory)}` : ''}`,
    ]);
    return 0;
  });

/** @throws SendenseError `usage` where nobody can be asked */
async function mayEnd(context: CommandContext, { id, vm, written_bytes: written, move }: BootOutput): Promise<boolean> {
  if (!context.askLine)
    throw new SendenseError(
      'usage',
      `what the guest of ${id} wrote would be lost; say --yes, or --power-off to keep it`,
    );
  const lost =
    move?.done === true
      ? 'Its disks have moved and stay.'
      : `The ${formatBytes(written)} that its guest wrote are lost${move === null ? '' : ', and what was copied so far, too'}.`;
  return confirmed(context, `End ${id} of ${printable(vm)}? ${lost}`);
}

const betweenMs = 500;

export const move = (context: CommandContext): Promise<number> =>
  withBoots(context, async (boots, _hub, signal) => {
    const { to, limit } = context.options as Words;
    if (to === undefined || to === '') throw new SendenseError('usage', 'say where to: --to DIRECTORY');
    assertFolder('--to', to);
    const bytesPerSecond = limit === undefined ? null : sizeOption('--limit', limit);
    if (context.reached !== undefined) assertPathOfHub('--to', to);
    const request = { directory: resolve(to), bytesPerSecond, signal };
    const { id } = await boots.status(context.args[0] ?? '');
    await boots.move(id, request);
    let now = await boots.status(id);
    const tellFar = progress(context);
    while (context.options['wait'] !== false && now.move?.done !== true) {
      if (now.state !== 'running') warn(context, `${id} is ${now.state}${now.why === null ? '' : `: ${now.why}`}`);
      tellFar(now);
      // Whoever looks after the VM does the same; without anybody it would stand still.
      if (now.state === 'off')
        throw new SendenseError('boot.off', `${id} is off; \`boot start\`, and the copying goes on`);
      await delay(betweenMs, undefined, { signal }).catch((error: unknown) => {
        warn(context, `the copying of ${id} goes on; \`boot status\` shows how far it is`);
        throw error;
      });
      await boots.move(id, request);
      now = await boots.status(id);
    }
    print(context, now, (options) => movedReport(now, options));
    return 0;
  });

/** Each tenth is told once. */
function progress({ terminal, global }: CommandContext): (now: BootOutput) => void {
  let told = 0;
  return ({ move: moving }) => {
    if (global.quiet || global.json || moving === null || moving.total_bytes === 0) return;
    const tenth = Math.floor((10 * moving.copied_bytes) / moving.total_bytes);
    if (tenth <= told) return;
    told = tenth;
    terminal.stderr.write(`${tenth * 10} % of ${formatBytes(moving.total_bytes)}\n`);
  };
}

const tell = (context: CommandContext, output: BootOutput): void =>
  print(context, output, (options) => bootReport(output, options));

const told = new WeakMap<CommandContext, string>();

/** The same only once. */
function warn(context: CommandContext, message: string | null): void {
  const { terminal, global } = context;
  if (message === null || global.quiet || told.get(context) === message) return;
  told.set(context, message);
  terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(message)}\n`);
}
