import { SendenseError } from '../../errors/sendense-error.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { PlannedEffect, RestoreChecked, VsphereSourceSpec } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { RestoreRequest } from '../target-kind.ts';
import type { VsphereClaim } from './vsphere-claim.ts';
import { startedText } from './start-check.ts';
import { wantedVm, type WantedVm } from './wanted-vm.ts';

/** A VM against which nothing speaks. */
export interface CheckedVm extends WantedVm {
  readonly spec: VsphereSourceSpec;
  readonly checked: RestoreChecked;
  /** The run whose unfinished VM is gone on with; null: there is none. */
  readonly takesOver: string | null;
  /** The run whose unfinished VM, in which nothing is whole, has to go first; null: there is none. */
  readonly replaces: string | null;
}

/**
 * Asks the node what speaks against the VM. Nothing is made.
 * @throws SendenseError `machine.unknown`, `target.unfit`, `file.exists` where an unfinished VM cannot be gone on with,
 *   `transport.unavailable`, `vsphere.*`, `node.*`
 */
export async function checkVm(
  hub: TargetHub,
  request: RestoreRequest<'vsphere'>,
  claim: VsphereClaim,
): Promise<CheckedVm> {
  const spec = hub.vsphere(claim.source, claim.credential ?? undefined);
  return checkWanted(hub, spec, await wantedVm(request, claim, hub.signal), claim);
}

/** The same for a VM of which all is known. @param wayOut where an unfinished VM has its name */
export async function checkWanted(
  hub: TargetHub,
  spec: VsphereSourceSpec,
  wanted: WantedVm,
  claim: Pick<VsphereClaim, 'node' | 'run' | 'resume'>,
  wayOut = 'Delete the VM in vSphere if nobody needs it, or give the new one another name (`name`, --name).',
): Promise<CheckedVm> {
  const client = await hub.node(claim.node);
  const login = await hub.login(spec);
  const checked = await client
    .checkRestore(
      { source: spec, ...login, vm: wanted.vm, ...(wanted.isJudged === true ? { judged: true } : {}) },
      hub.signal,
    )
    .catch((error: unknown) => {
      throw olderNode(error, claim.node, 'makes no VMs in vSphere');
    });
  return { ...wanted, spec, checked, ...fateOf(hub, wanted, checked, claim, wayOut) };
}

/** @param what such a node does not do */
export function olderNode(error: unknown, node: string, what: string): unknown {
  if (!(error instanceof SendenseError)) return error;
  if (error.code === 'request.invalid' && error.message.includes('/judged'))
    return olderThan(error, node, 'does not tell whether a VM comes up');
  return error.details?.['status'] === 404 ? olderThan(error, node, what) : error;
}

function olderThan(error: SendenseError, node: string, what: string): SendenseError {
  return new SendenseError('node.protocol', `node ${node} is of an older version, which ${what}`, {
    cause: error,
    remedy: 'Update the node, see docs/upgrading.md.',
  });
}

/** What becomes of what an earlier run has left under the name. @throws SendenseError `file.exists` with the way out */
function fateOf(
  hub: TargetHub,
  { vm }: WantedVm,
  { unfinished }: RestoreChecked,
  { run, resume }: Pick<VsphereClaim, 'run' | 'resume'>,
  wayOut: string,
): Pick<CheckedVm, 'takesOver' | 'replaces'> {
  if (unfinished?.touched != null) throw inUse(vm.place, unfinished, unfinished.touched, wayOut);
  if (unfinished === null || unfinished.run === run) return { takesOver: null, replaces: null };
  const isOver = hub.hasEnded(unfinished.run);
  if (isOver && unfinished.copied.length === 0) return { takesOver: null, replaces: unfinished.run };
  const why = !resume
    ? 'the plan says `resume: false`'
    : unfinished.point !== vm.point
      ? `it is being made of the restore point ${unfinished.point}`
      : !unfinished.same
        ? 'it was begun with other settings (place, disks, networks, connect, mac, identity, thin)'
        : !isOver
          ? `this hub does not know that the run ${unfinished.run} has ended`
          : null;
  if (why === null) return { takesOver: unfinished.run, replaces: null };
  const { name, folder } = vm.place;
  throw new SendenseError(
    'file.exists',
    `${name} in ${folder} (${unfinished.vm}) is the VM of a restore that was not finished, and this one does not go on with it: ${why}`,
    { remedy: `Run \`sendense-run recover\` if the other run has died. ${wayOut}` },
  );
}

const inUse = (
  { name, folder }: WantedVm['vm']['place'],
  { vm, run }: NonNullable<RestoreChecked['unfinished']>,
  why: string,
  wayOut: string,
): SendenseError =>
  new SendenseError(
    'file.exists',
    `${name} in ${folder} (${vm}) is the VM of a restore that was not finished (run ${run}), and Sendense leaves it alone: ${why}`,
    { remedy: `What is on its disks may be needed. ${wayOut}` },
  );

/** What a dry-run shows. */
export function effectsOf(
  { vm, disks, spec, checked, takesOver: from, replaces }: CheckedVm,
  to: Parameters<typeof startedText>[0],
): PlannedEffect[] {
  const { name, folder } = vm.place;
  const cards = checked.networks.map(
    ({ label, network, mac, connected }) =>
      `${label} in ${network}, ${mac === null ? 'new MAC address' : mac}, ${connected ? 'connected' : 'not connected'}`,
  );
  const detail = [
    `a VM in vSphere (${spec.host}), ${checked.hardware_version}, ${startedText(to)}`,
    ...(from === null ? [] : [`goes on with what run ${from} has left`]),
    ...(replaces === null ? [] : [`in place of what run ${replaces} has left, in which no disk is whole`]),
    ...(checked.original === null ? [] : [`${checked.original} stays as it is`]),
    ...(checked.original !== null && checked.mac === 'keep' ? [`it has the MAC addresses of ${checked.original}`] : []),
    ...(checked.disks_go === undefined ? [] : [checked.disks_go]),
    ...cards,
    ...checked.left_out.map((what) => `without ${what}`),
  ].join('; ');
  return [
    { action: 'create', target: `${folder}/${name}`, detail, argv: null },
    ...checked.disks.map(({ key, label, datastore, thin }): PlannedEffect => {
      const { bytes = 0, used = 0 } = vm.disks.find((one) => one.key === key) ?? {};
      const disk = disks.find((one) => one.key === key)?.disk.disk ?? key;
      const isThere = from !== null && checked.unfinished?.copied.includes(key) === true;
      return {
        action: 'create',
        target: `[${datastore}] ${name}`,
        detail: `${disk} as ${label}, ${sizeText(bytes)}, ${thin ? 'thin' : 'thick'}, ${isThere ? 'copied already' : `${sizeText(used)} of data`}`,
        argv: null,
      };
    }),
  ];
}
