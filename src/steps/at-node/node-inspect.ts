import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ErrorOutput, NodeInspectInput, NodeInspectOutput } from '../../schemas/types.ts';
import type { VmReference } from '../../sources/source-kind.ts';
import type { PlanContext } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { loginFor } from './source-login.ts';
import { sourceSpecOf } from './source-spec.ts';

export const nodeInspect = defineStep<NodeInspectInput, null, NodeInspectOutput>({
  uses: 'node.inspect',
  title: "Ask the node for the VM's disks",
  claim: () => null,

  async plan(context, input) {
    const output = await inspect(context, input);
    return {
      effects: output.disks.map((disk) => ({
        action: 'read',
        target: disk.path,
        detail: `${disk.format}, ${disk.capacity_bytes} bytes`,
        argv: null,
      })),
      notes: output.warnings,
      output,
    };
  },

  async run(context, input) {
    const output = await inspect(context, input);
    for (const warning of output.warnings) context.warn(warning);
    return output;
  },
});

async function inspect(context: PlanContext<Services>, input: NodeInspectInput): Promise<NodeInspectOutput> {
  const { services, planFolder, signal } = context;
  const vm = input.vm as VmReference;
  const source = sourceSpecOf(vm, services.settings, { plan: planFolder, settings: services.settingsFolder });
  const client = await services.node(input.node);
  const found = await client.discover(
    { vm_name: vm.name, source, ...(await loginFor(services, source, signal)) },
    signal,
  );
  if (found.refused) throw fromNode(found.refused);
  assertDistinct(vm.name, found.disks);
  const notProtected = found.not_protected ?? [];
  const warnings = [
    ...found.warnings,
    ...notProtected.map(({ label, reason }) => `${label} is NOT PROTECTED: ${reason}`),
    ...found.disks.flatMap((disk) => disk.warnings.map((warning) => `${disk.label}: ${warning}`)),
  ];
  return {
    node: input.node,
    vm_name: vm.name,
    source,
    disks: found.disks,
    warnings,
    vm: found.vm ?? null,
    not_protected: notProtected,
  };
}

const fromNode = ({ code, message, remedy }: ErrorOutput): SendenseError =>
  new SendenseError(Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'node.protocol', message, { remedy });

/** Two disks that look the same could be taken for one another in the next run. */
function assertDistinct(vm: string, disks: NodeInspectOutput['disks']): void {
  if (disks.length === 0) throw new SendenseError('source.missing', `VM ${vm} has no disks`);
  for (const name of ['key', 'uuid'] as const) {
    const seen = new Map<string, string>();
    for (const disk of disks) {
      const other = seen.get(disk[name]);
      if (other !== undefined)
        throw new SendenseError('source.unsupported', `${other} and ${disk.path} have the same ${name} ${disk[name]}`, {
          remedy: 'Give each disk a uuid of its own.',
        });
      seen.set(disk[name], disk.path);
    }
  }
}
