import type {
  AttachChecked,
  AttachCheckRequest,
  AttachedDisks,
  AttachedListRequest,
  AttachEnded,
  AttachEndRequest,
  Detached,
  DetachRequest,
} from '../../schemas/types.ts';
import { vsphereErrors } from './error-sets.ts';
import { defineRoute } from './route.ts';

// What speaks SOAP is loaded on first use: who reads images does not pay for it.

const bytes = 256 * 1024;

export const checkAttach = defineRoute<AttachCheckRequest>({
  id: 'checkAttach',
  method: 'POST',
  path: '/api/v1/restore/attach/check',
  tag: 'restore',
  summary: 'What speaks against attaching disks to a VM',
  description:
    'Looks for the VM, its state, its snapshots, free units of its controllers, the datastore and the privileges. Says where a ' +
    'new VM can be made whose disks it is to get (`restore/start`). Changes nothing.',
  body: { schema: 'node/attach-check.json', bytes },
  answers: { 200: { description: 'Nothing speaks against it.', schema: 'node/attach-checked.json' } },
  errors: ['source.missing', 'machine.unknown', 'target.unfit', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<AttachChecked> =>
    (await import('../restores/attach.ts')).checkAttach(body, node.refused, signal),
});

export const endAttach = defineRoute<AttachEndRequest>({
  id: 'endAttach',
  method: 'POST',
  path: '/api/v1/restore/attach/end',
  tag: 'restore',
  summary: 'The last step: a VM gets the disks of an unfinished VM',
  description:
    'The disks are attached as independent ones, with a mark in the configuration, all of them or none. Then the VM that they ' +
    'were made with is removed; their files stay. May be asked twice.',
  body: { schema: 'node/attach-end.json', bytes },
  answers: { 200: { description: 'How the VM is now.', schema: 'node/attach-ended.json' } },
  errors: ['target.unfit', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<AttachEnded> =>
    node.unbroken.act(body.run, signal, async (whole) =>
      (await import('../restores/attach.ts')).endAttach(body, node.refused, whole),
    ),
});

export const attachedDisks = defineRoute<AttachedListRequest>({
  id: 'attachedDisks',
  method: 'POST',
  path: '/api/v1/restore/attach/list',
  tag: 'restore',
  summary: 'Disks of restore points that are attached to VMs',
  description: 'By the marks in the configurations of the VMs. Changes nothing.',
  body: { schema: 'node/attached-list.json', bytes },
  answers: { 200: { description: 'The disks, VM by VM.', schema: 'node/attached.json' } },
  errors: ['source.missing', ...vsphereErrors],
  patient: true,
  handle: async ({ parts: node, body, signal }): Promise<AttachedDisks> =>
    (await import('../restores/attach.ts')).attachedDisks(body, node.refused, signal),
});

export const detachDisks = defineRoute<DetachRequest>({
  id: 'detachDisks',
  method: 'POST',
  path: '/api/v1/restore/attach/detach',
  tag: 'restore',
  summary: 'Takes attached disks off a VM and removes their files',
  description:
    'Only what bears a mark that agrees with it and is in no snapshot: all of the disks or none. With `forget` the marks of ' +
    'disks go that do not agree, and the disks stay. May be asked twice.',
  body: { schema: 'node/detach.json', bytes },
  answers: { 200: { description: 'What became of them.', schema: 'node/detached.json' } },
  errors: ['target.unfit', ...vsphereErrors],
  patient: true,
  logOf: ({ vm, disks }) => ({ vm, disks: disks.join(',') }),
  handle: async ({ parts: node, body, signal }): Promise<Detached> =>
    node.unbroken.act(`detach ${body.vm}`, signal, async (whole) =>
      (await import('../restores/attach.ts')).detach(body, node.refused, whole),
    ),
});
