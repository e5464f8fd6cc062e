import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, freeBytes } from '../../host/files/files.ts';
import { assertFolderToBe } from '../../host/files/folder-to-be.ts';
import { requireTools } from '../../host/programs/tools.ts';
import type { Repository } from '../../repository/open-repository.ts';
import { capacityLimits } from '../../repository/stored-files/capacity.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import { version as ours } from '../../schemas/package.ts';
import { versionMisfit } from '../../schemas/version-fit.ts';
import type { HubPreflightInput, HubPreflightOutput, NodeHealth } from '../../schemas/types.ts';
import type { StepContext } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import { assertImmutability } from '../../restore-points/hold/immutable-points.ts';
import { assertLargePackets } from './assert-large-packets.ts';
import { untilReachable } from '../at-node/patient-client.ts';
import type { Services } from '../services.ts';

const hubTools = ['qemu-img', 'qemu-nbd'];
/** Clocks of hub and node further apart than this make times in logs and "before" questions misleading. */
const maxSkewMs = 60_000;

export const hubPreflight = defineStep<HubPreflightInput, null, HubPreflightOutput>({
  uses: 'hub.preflight',
  title: 'Check tools, repository and node',
  claim: () => null,

  async plan({ services, signal }, input) {
    const tools = await requireTools(hubTools, signal);
    const path = services.repositoryPath(input.repository);
    await services.imageKeys(input.repository);
    return {
      effects: [{ action: 'read', target: path, detail: 'repository', argv: null }],
      notes: [
        ...tools.map(({ name, version }) => `${name} ${version}`),
        ...((await exists(path)) ? [] : [`${path} does not exist yet and will be made`]),
      ],
      output: { repository_path: path, free_bytes: 0, tools, node: null },
    };
  },

  async run(context, input) {
    const { services, signal } = context;
    // First: opening a repository makes one that is new.
    await services.imageKeys(input.repository);
    const [tools, repository] = await Promise.all([
      requireTools(hubTools, signal),
      input.for === 'restore' ? readable(services, input.repository) : services.openRepository(input.repository),
    ]);
    const free = await freeBytes(repository.path);
    const { minFree } = capacityLimits(services.settings.repositories[input.repository]);
    if (input.for === 'backup' && free <= minFree) {
      throw new SendenseError(
        'disk.full',
        `repository ${input.repository} has ${sizeText(free)} free at ${repository.path}; ${sizeText(minFree)} must stay free`,
      );
    }
    if (input.for === 'backup') await assertImmutability(context, input.repository, repository.path);
    if (input.directory) await assertFolderToBe(resolve(context.planFolder, input.directory));
    const node = input.node ? await askNode(context, input.node) : null;
    return { repository_path: repository.path, free_bytes: free, tools, node };
  },
});

/** Nothing is written to it: it may be a read-only mount. @throws SendenseError `repository.unusable` */
async function readable(services: Services, name: string): Promise<Repository> {
  const path = services.repositoryPath(name);
  const found = await services.findRepository(name);
  if (found) return found;
  throw new SendenseError('repository.unusable', `repository ${name}: there is none at ${path}`, {
    remedy: 'Mount it, or correct its path in sendense.yaml.',
  });
}

async function askNode(context: StepContext<Services>, name: string): Promise<HubPreflightOutput['node']> {
  let before = Date.now();
  const ask = async (limit: AbortSignal = context.signal, padBytes = 0): Promise<NodeHealth> => {
    const client = await context.services.node(name);
    before = Date.now();
    return client.health(limit, padBytes);
  };
  const patienceMs = context.services.patienceWith(name);
  const { signal, log, alive } = context;
  const askSmall = (): Promise<NodeHealth> =>
    patienceMs === 0 ? ask() : untilReachable(() => ask(), { patienceMs, signal, log, alive });
  const health = await askSmall();
  const missing = health.tools.filter((tool) => tool.version === null).map((tool) => tool.name);
  if (missing.length > 0) throw new SendenseError('tool.missing', `node ${name} lacks ${missing.join(', ')}`);
  const skew = Math.round(health.time - (before + Date.now()) / 2);
  if (Math.abs(skew) > maxSkewMs) context.warn(`the clock of node ${name} differs by ${Math.round(skew / 1000)} s`);
  if (!context.services.isEmbedded(name)) await assertLargePackets({ name, ask, askSmall, signal });
  const misfit = versionMisfit({ hub: ours, node: health.version });
  if (misfit !== null) context.warn(`node ${name}: ${misfit}`);
  await context.services.checkDataPath(name, context.signal);
  return { version: health.version, clock_skew_ms: skew };
}
