import { SendenseError } from '../../errors/sendense-error.ts';
import { validateFiles } from '../../plan/validate-files.ts';
import type { HubRestoreRequest, PointChoice, Settings } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { points } from '../../state/points/restore-points.ts';
import { assertAllowed, type AllowedPlaces } from './allowed-places.ts';
import { pointOf } from './point-of.ts';
import { localOnly, pathsOf, receiverOf, riskOf, type Receiver } from './remote-targets.ts';

/** The plan that a request for a restore stands for. */
export interface MadePlan {
  /** YAML, as JSON is. */
  readonly text: string;
  /** What messages call it; there is no such file. */
  readonly file: string;
  readonly plan: string;
  /** The restore point that it names. */
  readonly wanted: {
    readonly vm: string;
    readonly identity: string | undefined;
    readonly repository: string;
    readonly choice: PointChoice;
  };
  /** What it overwrites or switches on, in words; null: nothing. */
  readonly risk: string | null;
  /** The VM that it changes, where that may be another one; null: none. */
  readonly receiver: Receiver | null;
}

export interface RestorePlaces {
  readonly state: State;
  readonly settings: Settings;
  /** Absolute. */
  readonly settingsFile: string;
  readonly settingsFolder: string;
}

export const allowedPlaces = ({ settings, settingsFolder }: RestorePlaces): AllowedPlaces => ({
  restoreTo: settings.hub.restoreTo,
  settingsFolder,
});

/** @throws SendenseError `request.invalid`, `point.unknown`, `target.not-allowed` */
export async function restorePlan(places: RestorePlaces, request: HubRestoreRequest): Promise<MadePlan> {
  const { vm, identity, point = 'latest', disks, to, verify = true } = request;
  assertPlain(request, 'body');
  const local = localOnly(to);
  if (local !== null)
    throw new SendenseError('target.not-allowed', `${local} names something of the hub that requests may not name`, {
      remedy: `Leave ${local} out, or restore on the hub with \`sendense-run restore\`.`,
      details: { field: local },
    });
  for (const [field, path] of Object.entries(pathsOf(to))) await assertAllowed(allowedPlaces(places), field, path);
  const wanted = { vm, identity, repository: repositoryOf(places, request), choice: pointOf(point) };
  const plan = {
    version: 1,
    kind: 'restore',
    name: `restore-${vm}`,
    vm: { name: vm, ...(identity === undefined ? {} : { identity }) },
    repository: wanted.repository,
    point: wanted.choice,
    to,
    ...(disks ? { disks } : {}),
    verify,
  };
  const text = JSON.stringify(plan, null, 2);
  assertValid(places, text);
  return { text, file: `restore-${vm}.yaml`, plan: plan.name, wanted, risk: riskOf(to), receiver: receiverOf(to) };
}

/** What a text would stand for in a plan is for who writes plans. @throws SendenseError `request.invalid` */
function assertPlain(value: unknown, field: string): void {
  if (typeof value === 'string' && value.includes('${{'))
    throw new SendenseError('request.invalid', `${field} holds \${{, which begins an expression in plans`, {
      remedy: 'Write the value itself.',
      details: { field },
    });
  if (typeof value !== 'object' || value === null) return;
  for (const [key, entry] of Object.entries(value)) {
    assertPlain(key, field);
    assertPlain(entry, field === 'body' ? key : `${field}.${key}`);
  }
}

/** The one that is named, the only one, or the only one that has the VM. @throws SendenseError `point.unknown`, `request.invalid` */
function repositoryOf({ state, settings }: RestorePlaces, { vm, repository }: HubRestoreRequest): string {
  const names = Object.keys(settings.repositories);
  if (repository !== undefined && !names.includes(repository))
    throw invalid('repository', `there is no repository ${repository}`, `The settings have ${names.join(', ')}.`);
  const found = [...new Set(points(state, { vmName: vm }).map((point) => point.repository))].filter((name) =>
    names.includes(name),
  );
  if (found.length === 0)
    throw new SendenseError('point.unknown', `VM ${vm} has no restore points`, { details: { field: 'vm' } });
  const wanted = repository ?? (found.length === 1 ? found[0] : undefined);
  if (wanted !== undefined) return wanted;
  throw invalid(
    'repository',
    `several repositories have VM ${vm}: ${found.join(', ')}`,
    'Name one of them: `repository`.',
  );
}

/** In words of the request: its caller has written no plan. @throws SendenseError `request.invalid` */
function assertValid({ settings, settingsFile }: RestorePlaces, text: string): void {
  const { diagnostics } = validateFiles(['-'], {
    config: settingsFile,
    stdin: text,
    enrolledNodes: () => Object.keys(settings.nodes),
  });
  const wrong = diagnostics.filter(({ severity, file }) => severity === 'error' && file === '<stdin>');
  const [first] = wrong;
  if (!first) return;
  const said = wrong.map(({ path, message }) => `${fieldOf(path)}: ${message}`);
  throw invalid(fieldOf(first.path), [...new Set(said)].join('; '), first.remedy);
}

/** `/to/directory` -> `to.directory` */
const fieldOf = (pointer: string): string =>
  pointer.startsWith('/vm') ? 'vm' : pointer.slice(1).replaceAll('/', '.') || 'to';

const invalid = (field: string, message: string, remedy: string | null | undefined): SendenseError =>
  new SendenseError('request.invalid', message, { ...(remedy == null ? {} : { remedy }), details: { field } });
