import { dirname, resolve } from 'node:path';
import type { Hub } from '../../hub/hub.ts';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { manifestIds } from '../../repository/manifest-ids.ts';
import { listReport } from '../../view/reports/list-report.ts';
import type { CommandContext } from '../command.ts';
import { unknownName } from '../find-target.ts';
import { warnOfUnlisted, warnOnce } from '../warn-of-unlisted.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  warnOfUnlisted(context, hub);
  const vm = context.args[0];
  const repository = context.options['repository'] as string | undefined;
  const filter = { vm, repository, warn: warnOnce(context) };
  const output = context.global.json ? await hub.list(filter) : null;
  const points = output?.points ?? (await hub.lines(filter));
  const leftOut = hub.leftOut(vm);
  if (vm !== undefined && points.length === 0 && leftOut.length === 0) await assertKnown(context, hub, vm);
  if (points.length === 0 && context.rescued === undefined) await tellOfUnknown(context, hub);
  if (output) print(context, output, () => []);
  else print(context, null, (options) => listReport({ points, leftOut }, vm, options));
  return 0;
}

/** A lost database or a copied repository looks empty, and is not. */
async function tellOfUnknown({ terminal, global }: CommandContext, hub: Hub): Promise<void> {
  if (global.quiet) return;
  for (const [name, { path }] of Object.entries(hub.settings.repositories)) {
    const root = resolve(dirname(hub.settingsFile), path);
    const vms = await vmsIn(root);
    if (vms.length === 0 || (await hub.lines({ repository: name })).length > 0) continue;
    terminal.stderr.write(
      `${terminal.errorStyle.yellow('warning:')} ${root} has restore points of ${vms.length === 1 ? vms[0] : `${vms.length} VMs`} that this hub does not know; \`sendense-run repo import ${name}\` enters them, and \`--repository ${root}\` reads them without\n`,
    );
  }
}

/** VMs with manifests in a repository; none where it cannot be read. */
async function vmsIn(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const context of await contextsIn(root).catch(() => []))
    if ((await manifestIds(root, context).catch(() => new Set())).size > 0) found.push(context);
  return found;
}

/** A VM may have restore points in other repositories only. @throws SendenseError `point.unknown` */
async function assertKnown({ rescued }: CommandContext, hub: Hub, vm: string): Promise<void> {
  const all = await hub.lines({});
  if (!all.some((point) => point.vm === vm)) throw unknownName(all, vm, 'no VM with restore points', rescued);
}
