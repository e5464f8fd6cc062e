import type { AttachedOutput, DetachOutput, HubKvmDetachRequest } from '../../../schemas/types.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { word } from '../../../api/words.ts';
import { ownLibvirts, usualLibvirt } from '../../../host/libvirt/usual-libvirt.ts';
import { askerOf, lastingAsker } from '../asker.ts';
import { defineRoute } from '../route.ts';

/** Another one is for those who have a shell on the hub. @throws SendenseError `request.invalid` */
function libvirtOf(uri: string | undefined): string {
  if (uri === undefined) return usualLibvirt;
  if (ownLibvirts.includes(uri)) return uri;
  throw new SendenseError('request.invalid', `libvirt: ${uri} is neither of ${ownLibvirts.join(', ')}`, {
    details: { field: '/libvirt' },
  });
}

export const listAttachedKvm = defineRoute({
  id: 'listAttachedKvm',
  method: 'GET',
  path: '/api/v1/kvm/attached',
  tag: 'backups',
  right: 'restore',
  summary: 'Disks of restore points that are attached to VMs of libvirt on the hub',
  description: 'As `sendense-run attach list kvm: --json`.',
  query: {
    vm: { description: 'Only this VM: its name or uuid.' },
    libvirt: word(`Where libvirt answers. Default: ${usualLibvirt}.`, ownLibvirts),
  },
  answers: { 200: { description: 'All of them.', schema: 'output/attached.json' } },
  errors: ['target.unfit', 'request.invalid', 'run.crashed'],
  patient: true,
  async handle(call): Promise<AttachedOutput> {
    const { vm, libvirt } = call.query;
    const words = ['attach', 'list', `--libvirt=${libvirtOf(libvirt)}`, ...(vm === undefined ? [] : [`--vm=${vm}`])];
    return (await call.parts.askCommand([...words, '--', 'kvm:'], askerOf(call))) as AttachedOutput;
  },
});

export const detachKvmDisks = defineRoute<HubKvmDetachRequest>({
  id: 'detachKvmDisks',
  method: 'POST',
  path: '/api/v1/kvm/detach',
  tag: 'backups',
  right: 'restore',
  summary: 'Take attached disks off their VM of libvirt and remove their files',
  description:
    'As `sendense-run detach`: only what bears the mark of Sendense and agrees with it. `POST /api/v1/restores` with ' +
    '`{ "attachKvm": VM }` attaches them.',
  body: { schema: 'hub/kvm-detach-start.json', bytes: 16 * 1024 },
  logOf: ({ vm, disks, forget = false }) => ({ vm, disks: disks.join(','), forget: String(forget) }),
  fresh: true,
  answers: { 200: { description: 'What became of them.', schema: 'output/detach.json' } },
  errors: ['attach.unknown', 'target.unfit', 'target.busy', 'run.crashed'],
  patient: true,
  async handle(call): Promise<DetachOutput> {
    const { vm, disks, forget = false, libvirt } = call.body;
    const words = [
      'detach',
      '--from=kvm:',
      `--libvirt=${libvirtOf(libvirt)}`,
      ...disks.map((id) => `--id=${id}`),
      '--all',
      '--yes',
      ...(forget ? ['--forget'] : []),
    ];
    return (await call.parts.askCommand([...words, '--', vm], lastingAsker(call))) as DetachOutput;
  },
});
