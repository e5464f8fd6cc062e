import { installSignals } from '../../engine/install-signals.ts';
import type { HubRestoreRequest, PlanOutput } from '../../schemas/types.ts';
import { planReport } from '../../view/reports/plan-report.ts';
import { attachTo, type AttachOptions } from '../actions/attach.ts';
import { diskNumber, type WhatOptions } from '../actions/restore.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { toOfOptions, type ToOptions } from '../restore-to.ts';
import type { HubConnection } from './hub-connection.ts';
import { pointForHub } from './remote-choose.ts';
import { assertPathOfHub } from './path-of-hub.ts';
import { beginAndShow } from './remote-runs.ts';

type RestoreWords = ToOptions & WhatOptions;

/** Restores at the hub, to a folder of the hub or to a vCenter that it knows. */
export async function restore(context: CommandContext, hub: HubConnection): Promise<number> {
  const options = context.options as unknown as RestoreWords;
  assertTarget(options);
  return restoreTo(context, hub, options, { name: 'restore', to: toOfOptions(options) });
}

/** Attaches disks to a VM of a vCenter that the hub knows, or of its libvirt. */
export async function attach(context: CommandContext, hub: HubConnection): Promise<number> {
  const options = context.options as unknown as AttachOptions;
  if (options.folder !== undefined) assertPathOfHub('--folder', options.folder);
  return restoreTo(context, hub, options, { name: 'attach', to: attachTo(options) });
}

async function restoreTo(
  context: CommandContext,
  hub: HubConnection,
  options: WhatOptions,
  { name, to }: { readonly name: string; readonly to: object },
): Promise<number> {
  const [vm = ''] = context.args;
  const body = {
    vm,
    point: await pointForHub(hub, options.point, { vm, repository: options.repository, identity: options.identity }),
    identity: options.identity,
    repository: options.repository,
    disks: options.disk?.map(diskNumber),
    to,
    verify: options.verify,
  } as HubRestoreRequest;
  if (options.dryRun === true) {
    const output = await hub.ask<PlanOutput>('/api/v1/restores/preview', { method: 'POST', body });
    print(context, output, (how) => planReport(output, how));
    return 0;
  }
  using signals = installSignals();
  return await beginAndShow(context, hub, { name: `${name}-${vm}`, path: '/api/v1/restores', body }, signals);
}

/** Files and folders are those of the hub. */
function assertTarget({ to, virtioWin }: RestoreWords & { readonly virtioWin?: string }): void {
  const [, kind, where = ''] = /^(kvm|ova|vsphere|device):(.*)$/s.exec(to ?? '') ?? [];
  if (kind === 'kvm' || kind === 'ova') assertPathOfHub(`--to ${kind}:`, where);
  else if (kind === undefined && to !== undefined && to !== '') assertPathOfHub('--to', to);
  if (virtioWin !== undefined) assertPathOfHub('--virtio-win', virtioWin);
}
