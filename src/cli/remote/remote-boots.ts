import { SendenseError } from '../../errors/sendense-error.ts';
import type { Boots } from '../../hub/boots/manage-boots.ts';
import type { BootOutput, BootsOutput, HubBootRequest } from '../../schemas/types.ts';
import { bootReport } from '../../view/reports/boot-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import { assertPathOfHub } from './path-of-hub.ts';
import type { HubConnection } from './hub-connection.ts';

const bootAt = (id: string): string => `/api/v1/boots/${encodeURIComponent(id)}`;

/** VMs that run from restore points of a hub on another machine. The hub itself looks after them. */
export function remoteBoots(hub: HubConnection): Partial<Boots> {
  const list = (): Promise<BootsOutput> => hub.ask<BootsOutput>('/api/v1/boots');
  return {
    look: async () => {},
    list,
    async status(name) {
      const { boots } = await list();
      const found = boots.filter(({ id, vm }) => id === name || vm === name);
      const [boot] = found;
      if (found.length > 1)
        throw new SendenseError(
          'usage',
          `${name} runs ${found.length} times: ${found.map(({ id }) => id).join(', ')}`,
          {
            remedy: 'Name one of them by its id.',
          },
        );
      if (boot) return boot;
      throw new SendenseError('boot.unknown', `no VM ${name} was started from a restore point`);
    },
    again: (id) => hub.ask<BootOutput>(`${bootAt(id)}/start`, { method: 'POST' }),
    off: (id, graceMs) =>
      hub.ask<BootOutput>(`${bootAt(id)}/power-off`, {
        method: 'POST',
        body: graceMs === 0 ? { force: true } : { timeout: `${graceMs}ms` },
      }),
    stop: async (id) => void (await hub.ask(bootAt(id), { method: 'DELETE' })),
  };
}

/** `boot VM@POINT`: the hub starts it. */
export async function startBoot(context: CommandContext, hub: HubConnection): Promise<number> {
  const { keepMac, keepIdentity, cpus, folder, ...options } = context.options as Readonly<
    Record<string, string | undefined>
  > & { readonly keepMac?: boolean; readonly keepIdentity?: boolean };
  const [vm = '', point] = (context.args[0] ?? '').split(/@(.*)/s);
  if (folder !== undefined) assertPathOfHub('--folder', folder);
  const { identity, repository, network, memory, firmware, accel, reserve, quota } = options;
  const body = {
    vm,
    point,
    identity,
    repository,
    network,
    memory,
    firmware,
    accel,
    reserve,
    quota,
    folder,
    ...(cpus === undefined ? {} : { cpus: countOption('--cpus', cpus, 1024) }),
    ...(keepMac === true ? { keep_mac: true } : {}),
    ...(keepIdentity === true ? { keep_identity: true } : {}),
  } as HubBootRequest;
  const output = await hub.ask<BootOutput>('/api/v1/boots', { method: 'POST', body });
  print(context, output, (how) => bootReport(output, how));
  return 0;
}
