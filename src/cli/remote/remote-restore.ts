import { installSignals } from '../../engine/install-signals.ts';
import type { HubRestoreRequest, PlanOutput } from '../../schemas/types.ts';
import { planReport } from '../../view/reports/plan-report.ts';
import { diskNumber } from '../actions/restore.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { toOfOptions, type ToOptions } from '../restore-to.ts';
import type { HubConnection } from './hub-connection.ts';
import { assertPathOfHub } from './path-of-hub.ts';
import { beginAndShow } from './remote-runs.ts';

interface RestoreWords extends ToOptions {
  readonly point: string;
  readonly disk?: readonly string[];
  readonly verify: boolean;
  readonly identity?: string;
  readonly repository?: string;
  readonly dryRun?: boolean;
}

/** Restores at the hub, to a folder of the hub or to a vCenter that it knows. */
export async function restore(context: CommandContext, hub: HubConnection): Promise<number> {
  const options = context.options as unknown as RestoreWords;
  const [vm = ''] = context.args;
  assertTarget(options);
  const body = {
    vm,
    point: options.point,
    identity: options.identity,
    repository: options.repository,
    disks: options.disk?.map(diskNumber),
    to: toOfOptions(options),
    verify: options.verify,
  } as HubRestoreRequest;
  if (options.dryRun === true) {
    const output = await hub.ask<PlanOutput>('/api/v1/restores/preview', { method: 'POST', body });
    print(context, output, (how) => planReport(output, how));
    return 0;
  }
  using signals = installSignals();
  return await beginAndShow(context, hub, { name: `restore-${vm}`, path: '/api/v1/restores', body }, signals);
}

/** Files and folders are those of the hub. */
function assertTarget({ to, virtioWin }: RestoreWords & { readonly virtioWin?: string }): void {
  const [, kind, where = ''] = /^(kvm|ova|vsphere|device):(.*)$/s.exec(to ?? '') ?? [];
  if (kind === 'kvm' || kind === 'ova') assertPathOfHub(`--to ${kind}:`, where);
  else if (kind === undefined && to !== undefined && to !== '') assertPathOfHub('--to', to);
  if (virtioWin !== undefined) assertPathOfHub('--virtio-win', virtioWin);
}
