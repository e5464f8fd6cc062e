import { buffer } from 'node:stream/consumers';
import { writePicture } from '../../boot/write-picture.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Boots } from '../../hub/boots/manage-boots.ts';
import type { BootOutput, BootsOutput, HubBootRequest, PlanOutput } from '../../schemas/types.ts';
import { bootReport } from '../../view/reports/boot-report.ts';
import { planReport } from '../../view/reports/plan-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import { assertPathOfHub } from './path-of-hub.ts';
import type { HubConnection } from './hub-connection.ts';
import { pointForHub } from './remote-choose.ts';
import { beginAndShow } from './remote-runs.ts';

const bootAt = (id: string): string => `/api/v1/boots/${encodeURIComponent(id)}`;

/** VMs that run from restore points of a hub on another machine. The hub itself looks after them. */
export function remoteBoots(hub: HubConnection): Omit<Boots, 'start' | 'picture' | 'watch'> {
  const moving = new Set<string>();
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
    /** Once it has begun, the hub goes on with it. */
    async move(id, { directory, bytesPerSecond }) {
      if (moving.has(id)) return;
      const limit = bytesPerSecond === null ? undefined : `${Math.ceil(bytesPerSecond / 1024)}KiB`;
      await hub.ask<BootOutput>(`${bootAt(id)}/move`, { method: 'POST', body: { directory, limit } });
      moving.add(id);
    },
    async screenshot(id, file) {
      await writePicture(file, await buffer(await hub.stream(`${bootAt(id)}/screenshot`, { method: 'POST' })));
    },
    serial: (id) => hub.text(`${bootAt(id)}/serial`, { method: 'POST' }),
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
    point: point === undefined ? point : await pointForHub(hub, point, { vm, repository, identity }),
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

/** `boot keep`: a run of the hub. */
export async function keepBoot(context: CommandContext, hub: HubConnection): Promise<number> {
  const { compress, dryRun } = context.options as { readonly compress?: string; readonly dryRun?: boolean };
  const { id } = await remoteBoots(hub).status(context.args[0] ?? '');
  const path = `${bootAt(id)}/keep`;
  const body = { compress };
  if (dryRun === true) {
    const output = await hub.ask<PlanOutput>(`${path}/preview`, { method: 'POST', body });
    print(context, output, (how) => planReport(output, how));
    return 0;
  }
  using signals = installSignals();
  return await beginAndShow(context, hub, { name: `keep-${id}`, path, body }, signals);
}
