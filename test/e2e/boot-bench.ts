import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { atMonitor } from '../../src/boot/monitor.ts';
import type { BootOutput, BootsOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { processesWith } from '../support/processes-with.ts';
import { processesNaming } from '../support/processes.ts';
import type { Workspace } from './workspace.ts';

/** What a VM without anything saved needs. */
export const machine = ['--memory', '32MiB', '--cpus', '1', '--accel', 'tcg', '--reserve', '1MiB'];

/** Calls that have to go well, and what they printed. */
export const bootCalls = (work: Workspace) => {
  const call = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await work.call(args);
    expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };
  const json = async (...args: string[]): Promise<BootOutput> => {
    const output: unknown = JSON.parse(await call(...args, '--json'));
    const validate = validatorOf('output/boot.json');
    expect(validate(structuredClone(output)), describeErrors(validate.errors)).toBe(true);
    return output as BootOutput;
  };
  return {
    call,
    json,
    start: (...args: string[]) => json('boot', 'pgtest1', ...machine, ...args),
    status: (id: string) => json('boot', 'status', id),
    list: async () => (JSON.parse(await call('boot', 'list', '--json')) as BootsOutput).boots,
    /** Waits until it is so; each look is a call. */
    until: (id: string, is: (boot: BootOutput) => boolean) =>
      vi.waitUntil(async () => is(await json('boot', 'status', id)), { timeout: 200_000, interval: 250 }),
  };
};

interface Device {
  readonly qdev: string;
  readonly inserted?: { readonly 'node-name': string };
}

/** A write of the guest to a disk, through the device that it has. @param node as QEMU calls it @param data byte that is written */
export const guestWrites = ({ folder }: BootOutput, node: string, at: string, data: number): Promise<void> =>
  atMonitor(folder, async (ask) => {
    const devices = (await ask('query-block')) as readonly Device[];
    const device = devices.find(({ inserted }) => inserted?.['node-name'] === node)?.qdev;
    const write = `qemu-io -d ${device} "write -f -P ${data} ${at}"`;
    const said = await ask('human-monitor-command', { 'command-line': write });
    // It prints what went wrong, and otherwise nothing here.
    expect(said).not.toMatch(/error|fail|conflict|invalid/i);
  });

/** Ends the VMs of a workspace, and who looks after them. @throws Error with what is left of them */
export async function endBoots(work: Workspace): Promise<void> {
  const vm = bootCalls(work);
  for (const { id } of await vm.list()) await vm.call('boot', 'stop', id, '--yes');
  for (const pid of watchers(work)) process.kill(pid, 'SIGTERM');
  while (watchers(work).length > 0) await delay(20);
  const folder = work.path('state/boots');
  const left = [
    ...(existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('boot-')) : []),
    ...processesNaming(folder),
  ];
  if (left.length > 0) throw new Error(`left: ${left.join('\n')}`);
}

export const watchers = (work: Workspace): number[] => processesWith('watch', work.path('sendense.yaml'));
