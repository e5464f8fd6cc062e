import type { AttachedOutput, DetachOutput, HubDetachRequest } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { sourceErrors } from '../sources/source-errors.ts';
import { askerOf, lastingAsker } from '../asker.ts';
import { knownSource, sourceParams } from '../sources/sources.ts';

export const listAttached = defineRoute({
  id: 'listAttached',
  method: 'GET',
  path: '/api/v1/sources/{name}/attached',
  tag: 'sources',
  right: 'restore',
  summary: 'Disks of restore points that are attached to VMs of a source',
  description: 'As `sendense-run attach list --json`. A node asks the vCenter or ESXi host.',
  params: sourceParams,
  query: {
    vm: { description: 'Only this VM: its name, inventory path or managed object id.' },
    node: { description: 'The node that asks. Default: local.' },
  },
  answers: { 200: { description: 'All of them.', schema: 'output/attached.json' } },
  errors: ['source.missing', ...sourceErrors, 'run.crashed'],
  patient: true,
  async handle(call): Promise<AttachedOutput> {
    const source = knownSource(call);
    const { vm, node = 'local' } = call.query;
    const words = ['attach', 'list', `--node=${node}`, ...(vm === undefined ? [] : [`--vm=${vm}`]), '--', source];
    return (await call.parts.askCommand(words, askerOf(call))) as AttachedOutput;
  },
});

export const detachDisks = defineRoute<HubDetachRequest>({
  id: 'detachDisks',
  method: 'POST',
  path: '/api/v1/sources/{name}/detach',
  tag: 'sources',
  right: 'restore',
  summary: 'Take attached disks off their VM and remove their files',
  description:
    'As `sendense-run detach`: only what bears the mark of Sendense, agrees with it, and is in no snapshot. `POST ' +
    '/api/v1/restores` with `{ "attach": SOURCE }` attaches them.',
  params: sourceParams,
  body: { schema: 'hub/detach-start.json', bytes: 16 * 1024 },
  logOf: ({ vm, disks, forget = false }) => ({ vm, disks: disks.join(','), forget: String(forget) }),
  fresh: true,
  answers: { 200: { description: 'What became of them.', schema: 'output/detach.json' } },
  errors: ['source.missing', 'attach.unknown', 'target.unfit', 'vsphere.busy', ...sourceErrors, 'run.crashed'],
  patient: true,
  async handle(call): Promise<DetachOutput> {
    const source = knownSource(call);
    const { vm, disks, forget = false, node = 'local' } = call.body;
    const words = [
      'detach',
      `--from=vsphere:${source}`,
      `--node=${node}`,
      ...disks.map((id) => `--id=${id}`),
      '--all',
      '--yes',
      ...(forget ? ['--forget'] : []),
    ];
    return (await call.parts.askCommand([...words, '--', vm], lastingAsker(call))) as DetachOutput;
  },
});
