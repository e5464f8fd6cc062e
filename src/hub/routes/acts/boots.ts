import { Readable } from 'node:stream';
import type { Call } from '../../../api/route.ts';
import { bootNetworkOf } from '../../../boot/boot-machine.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type {
  BootOutput,
  BootsOutput,
  HubBootKeep,
  HubBootMove,
  HubBootOff,
  HubBootRequest,
} from '../../../schemas/types.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { lastingAsker } from '../asker.ts';
import { assertFresh, beginOnce, beginRun, repeatHeader, startErrors } from './begin.ts';

type BootCall<Body = unknown> = Call<HubParts, Body>;

const id = {
  id: { description: 'Its id: `boot-` and 8 hexadecimal digits.', schema: 'domain.json#/$defs/runId', logAs: 'boot' },
};
const schema = 'output/boot.json';
const failures = ['boot.unknown', 'boot.busy', 'boot.off', 'boot.failed', 'run.crashed'] as const;

const tell = async (
  { parts, caller }: Pick<BootCall, 'parts' | 'caller'>,
  ...words: readonly string[]
): Promise<object> => await parts.askCommand(['boot', ...words], lastingAsker({ caller }));

/** @throws SendenseError `boot.unknown`, also where the caller may not know of its VM */
async function bootOf({ parts, params, caller }: BootCall): Promise<BootOutput> {
  const wanted = params['id'] ?? '';
  const found = (await (await parts.hub.boots()).list()).boots.find((boot) => boot.id === wanted);
  if (found && caller.mayVm(found.vm)) return found;
  throw new SendenseError('boot.unknown', `no VM ${wanted} was started from a restore point`);
}

export const listBoots = defineRoute({
  id: 'listBoots',
  method: 'GET',
  path: '/api/v1/boots',
  tag: 'boots',
  summary: 'VMs that run from restore points',
  description: 'As `sendense-run boot list --json`.',
  right: 'look',
  vms: 'heeded',
  answers: { 200: { description: 'All of them.', schema: 'output/boots.json' } },
  errors: [],
  quiet: true,
  async handle({ parts, caller }): Promise<BootsOutput> {
    const { boots } = await (await parts.hub.boots()).list();
    return { version: 1, boots: boots.filter(({ vm }) => caller.mayVm(vm)) };
  },
});

export const showBoot = defineRoute({
  id: 'showBoot',
  method: 'GET',
  path: '/api/v1/boots/{id}',
  tag: 'boots',
  summary: 'A VM that runs from a restore point',
  right: 'look',
  vms: 'heeded',
  params: id,
  answers: { 200: { description: 'How it goes with it.', schema } },
  errors: ['boot.unknown'],
  quiet: true,
  handle: (call) => bootOf(call),
});

export const startBoot = defineRoute<HubBootRequest>({
  id: 'startBoot',
  method: 'POST',
  path: '/api/v1/boots',
  tag: 'boots',
  summary: 'Start a VM from a restore point at once',
  description:
    'As `sendense-run boot VM`. The answer comes when it runs. A network that reaches something takes a fresh password.',
  right: 'restore',
  vms: 'heeded',
  headers: repeatHeader,
  body: { schema: 'hub/boot-start.json', bytes: 16 * 1024 },
  logOf: ({ vm, point = 'latest', network = 'none' }) => ({ vm, point, network }),
  answers: { 201: { description: 'It runs.', schema } },
  errors: [
    'point.unknown',
    'target.not-allowed',
    'access.stale',
    'boot.failed',
    'machine.unknown',
    'disk.full',
    'tool.missing',
    'run.crashed',
  ],
  patient: true,
  handle: async (call) =>
    await beginOnce(call, 'startBoot', async () => {
      const boot = (await tell(call, ...(await bootWords(call)))) as BootOutput;
      return { status: 201, location: `/api/v1/boots/${boot.id}`, body: boot };
    }),
});

/** @throws SendenseError `request.invalid`, `point.unknown`, `target.not-allowed`, `access.stale` */
async function bootWords(call: BootCall<HubBootRequest>): Promise<string[]> {
  const { body, caller, parts } = call;
  const { vm, point = 'latest', network = 'none', folder, keep_mac: mac, keep_identity: keep, ...more } = body;
  if (!caller.mayVm(vm))
    throw new SendenseError('point.unknown', `VM ${vm} has no restore points`, { details: { field: 'vm' } });
  if (bootNetworkOf(network) === null)
    throw new SendenseError('request.invalid', `network ${network} is none that there can be`, {
      remedy: 'Say none, isolated, bridge:NAME, or the name of a network of libvirt.',
      details: { field: 'network' },
    });
  if (folder !== undefined) await parts.hub.acts.assertPlace('folder', folder);
  if (network !== 'none' && network !== 'isolated') assertFresh(call, 'connects a VM to a network');
  const said = { ...more, network, folder, by: caller.name };
  return [
    ...Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${String(value)}`])),
    ...(mac === true ? ['--keep-mac'] : []),
    ...(keep === true ? ['--keep-identity'] : []),
    '--',
    `${vm}@${point}`,
  ];
}

export const startBootAgain = defineRoute({
  id: 'startBootAgain',
  method: 'POST',
  path: '/api/v1/boots/{id}/start',
  tag: 'boots',
  summary: 'Start one again that is off',
  description: 'As `sendense-run boot start`: with what its guest wrote. If it runs, nothing changes.',
  right: 'restore',
  vms: 'heeded',
  params: id,
  answers: { 200: { description: 'It runs.', schema } },
  errors: failures,
  patient: true,
  handle: async (call) => await tell(call, 'start', '--', (await bootOf(call)).id),
});

export const switchOffBoot = defineRoute<HubBootOff>({
  id: 'switchOffBoot',
  method: 'POST',
  path: '/api/v1/boots/{id}/power-off',
  tag: 'boots',
  summary: 'Switch it off, and keep what its guest wrote',
  description: 'As `sendense-run boot stop --power-off`.',
  right: 'restore',
  vms: 'heeded',
  params: id,
  body: { schema: 'hub/boot-off.json', bytes: 1024 },
  answers: { 200: { description: 'It is off.', schema } },
  errors: failures,
  patient: true,
  async handle(call) {
    const { force = false, timeout } = call.body;
    const how = force ? ['--force'] : timeout === undefined ? [] : [`--timeout=${timeout}`];
    return await tell(call, 'stop', '--power-off', ...how, '--', (await bootOf(call)).id);
  },
});

export const endBoot = defineRoute({
  id: 'endBoot',
  method: 'DELETE',
  path: '/api/v1/boots/{id}',
  tag: 'boots',
  summary: 'End it, and throw away what its guest wrote',
  description: 'As `sendense-run boot stop --yes`. If its disks have moved, they stay.',
  right: 'restore',
  vms: 'heeded',
  fresh: true,
  params: id,
  answers: { 200: { description: 'It is gone.', schema } },
  errors: failures,
  patient: true,
  handle: async (call) => await tell(call, 'stop', '--yes', '--', (await bootOf(call)).id),
});

export const moveBoot = defineRoute<HubBootMove>({
  id: 'moveBoot',
  method: 'POST',
  path: '/api/v1/boots/{id}/move',
  tag: 'boots',
  summary: 'Copy its disks into their place while it runs',
  description:
    'As `sendense-run boot move --no-wait`. `move` of the answer says how far it is. Again is fine: it goes on.',
  right: 'restore',
  vms: 'heeded',
  params: id,
  body: { schema: 'hub/boot-move.json', bytes: 16 * 1024 },
  answers: { 202: { description: 'The copying goes on.', schema } },
  errors: [...failures, 'target.not-allowed', 'file.exists', 'disk.full'],
  patient: true,
  async handle(call) {
    const { directory, limit } = call.body;
    const boot = await bootOf(call);
    await call.parts.hub.acts.assertPlace('directory', directory);
    call.answer.header('location', `/api/v1/boots/${boot.id}`);
    const words = [`--to=${directory}`, '--no-wait', ...(limit === undefined ? [] : [`--limit=${limit}`])];
    return await tell(call, 'move', ...words, '--', boot.id);
  },
});

export const previewBootKeep = defineRoute<HubBootKeep>({
  id: 'previewBootKeep',
  method: 'POST',
  path: '/api/v1/boots/{id}/keep/preview',
  tag: 'boots',
  summary: 'What making a restore point of what its guest wrote would do, step by step',
  description: 'As `sendense-run boot keep --dry-run`. Nothing is written.',
  right: 'keep',
  vms: 'heeded',
  params: id,
  changes: false,
  body: { schema: 'hub/boot-keep.json', bytes: 1024 },
  answers: { 200: { description: 'Its steps.', schema: 'output/plan.json' } },
  errors: [...failures, 'plan.invalid'],
  patient: true,
  handle: async (call) => await tell(call, ...keepWords(call, (await bootOf(call)).id, '--dry-run')),
});

const keepWords = (
  { body: { compress } }: { readonly body: HubBootKeep },
  boot: string,
  ...more: string[]
): string[] => ['keep', ...more, ...(compress === undefined ? [] : [`--compress=${compress}`]), '--', boot];

export const keepBoot = defineRoute<HubBootKeep>({
  id: 'keepBoot',
  method: 'POST',
  path: '/api/v1/boots/{id}/keep',
  tag: 'boots',
  summary: 'Make a restore point of what its guest wrote',
  description: 'As `sendense-run boot keep`. The guest is paused meanwhile.',
  right: 'keep',
  vms: 'heeded',
  params: id,
  headers: repeatHeader,
  body: { schema: 'hub/boot-keep.json', bytes: 1024 },
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, ...failures],
  patient: true,
  handle: async (call) =>
    await beginOnce(call, `keepBoot ${call.params['id'] ?? ''}`, async () =>
      beginRun(call, { plan: null, words: ['boot', ...keepWords(call, (await bootOf(call)).id)] }),
    ),
});

export const bootScreen = defineRoute({
  id: 'bootScreen',
  method: 'POST',
  path: '/api/v1/boots/{id}/screenshot',
  tag: 'boots',
  summary: 'A picture of its screen',
  description: 'What a screen shows may be a secret, so it takes the right to restore, and the audit log has it.',
  right: 'restore',
  vms: 'heeded',
  params: id,
  answers: { 200: { description: 'The picture.', type: 'image/png' } },
  errors: ['boot.unknown', 'boot.off', 'boot.failed'],
  async handle(call) {
    const boot = await bootOf(call);
    call.answer.header('cache-control', 'no-store');
    return Readable.from([await (await call.parts.hub.boots()).picture(boot.id)]);
  },
});

export const bootSerial = defineRoute({
  id: 'bootSerial',
  method: 'POST',
  path: '/api/v1/boots/{id}/serial',
  tag: 'boots',
  summary: 'The end of what its guest wrote to its first serial port',
  description:
    'As `sendense-run boot status --serial`. A console may show secrets, as a screen may: so it takes the same right.',
  right: 'restore',
  vms: 'heeded',
  params: id,
  answers: { 200: { description: 'The text, as the guest wrote it.', type: 'text/plain' } },
  errors: ['boot.unknown'],
  async handle(call) {
    const boot = await bootOf(call);
    call.answer.header('cache-control', 'no-store');
    return await (await call.parts.hub.boots()).serial(boot.id);
  },
});
