import { SendenseError } from '../../errors/sendense-error.ts';
import type { GroupPlan } from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import type { ListedVms } from '../../sources/source-kind.ts';
import { askedSource } from '../at-node/asked-source.ts';
import type { Services } from '../services.ts';

/** The VMs of the group's source, and the source's name. @throws SendenseError `source.missing`, and what the node says */
export async function listSourceVms(
  services: Services,
  group: GroupPlan,
  signal: AbortSignal,
): Promise<ListedVms & { readonly source: string }> {
  const { sources } = services.settings;
  const [only, ...others] = Object.keys(sources);
  const name = group.source ?? (others.length === 0 ? only : undefined);
  const settings = name === undefined ? undefined : sources[name];
  if (name === undefined || !settings)
    throw new SendenseError('source.missing', `sendense.yaml has no source ${name ?? 'that the group could mean'}`, {
      remedy: 'Name one of `sources` in sendense.yaml with `source:`.',
    });
  const asked = askedSource(services, { name, settings, node: () => services.node(group.node) }, signal);
  return { source: name, ...(await kindOf(settings).listVms(asked, { tags: wantsTags(group) })) };
}

const wantsTags = ({ members, exclude = [], overrides = [] }: GroupPlan): boolean =>
  [...members, ...exclude, ...overrides.map(({ match }) => match)].some(({ tag }) => tag !== undefined);
