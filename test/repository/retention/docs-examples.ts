import { parse } from 'yaml';
import { wallClockIn } from '../../../src/repository/retention/local-time.ts';
import { brokenWithDependents, planRemoval } from '../../../src/repository/retention/plan-removal.ts';
import { decideRetention } from '../../../src/repository/retention/policy.ts';
import type { Retention } from '../../../src/schemas/types.ts';

/** The blocks of docs/retention.md that begin with `retention:`. */
export const examplesIn = (page: string): string[] =>
  [...page.matchAll(/```text\n(retention: [\s\S]*?)```/g)].map((match) => match[1] ?? '');

interface Example {
  readonly retention: Retention;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly points: readonly { readonly id: string; readonly created: number; readonly mark: string }[];
  /** Those that go are only counted. */
  readonly counted: boolean;
}

/**
 * `retention: { … }`, `now: TIME`, then a line for each restore point, each built on the one before: its time in UTC with
 * a Z, or on the clock of the retention's zone where that is not needed to tell it, then `(protected)` or `(broken)`. Or
 * `every night at 01:30 from DAY to DAY`.
 */
function parseExample(text: string): Example {
  const [policy = '', clock = '', ...lines] = text.trimEnd().split('\n');
  const { retention } = parse(policy) as { retention: Retention };
  const now = utc(clock.replace(/^now: +/, ''));
  const nightly = /^every night at (\d\d:\d\d) from (\S+) to (\S+)$/.exec(lines[0] ?? '');
  if (nightly) {
    const [, time = '', from = '', to = ''] = nightly;
    const points = [];
    for (let at = utc(`${from} ${time}`); at <= utc(`${to} ${time}`); at += 86_400_000)
      points.push({ id: new Date(at).toISOString(), created: at, mark: '' });
    return { retention, now, points, counted: true };
  }
  const points = lines.map((line) => {
    const [, time = '', mark = ''] = /^(\d{4}-\d\d-\d\d \d\d:\d\d)(?: \((\w+)\))?/.exec(line) ?? [];
    return { id: time, created: utc(time), mark };
  });
  return { retention, now, points, counted: false };
}

const utc = (text: string): number => Date.parse(`${text.trim().replace(' ', 'T')}Z`);

/** The example as it has to stand in the page. */
export function renderExample(text: string): string {
  const { retention, now, points, counted } = parseExample(text);
  const chain = points.map(({ id }, at) => ({
    backup_id: id,
    disks: [{ number: 0, parent: points[at - 1]?.id ?? null, capacity_bytes: 1 }],
  }));
  const marked = points.filter(({ mark }) => mark === 'broken').map(({ id }) => [id, [0]] as const);
  const broken = brokenWithDependents(chain, new Map(marked));
  const decisions = decideRetention(
    points.map(({ id, created, mark }) => ({ id, created, protected: mark === 'protected', broken: broken.has(id) })),
    retention,
    now,
    retention.timezone ?? 'UTC',
  );
  const planned = planRemoval(chain, decisions, broken);
  const local = wallClockIn('UTC');
  const lines = planned.map(({ keep, reasons, merges }, at) => {
    const mark = points[at]?.mark ? ` (${points[at]?.mark})` : '';
    const fate = keep ? `stays: ${reasons.join(', ')}` : `goes${merges[0] ? `, into ${merges[0].into}` : ''}`;
    return { keep, line: `${`${local(points[at]?.created ?? 0)}${mark}`.padEnd(30)}${fate}` };
  });
  const [policy = '', clock = '', nightly = ''] = text.split('\n');
  const body = counted
    ? [
        nightly,
        ...lines.filter(({ keep }) => keep).map(({ line }) => line),
        `${lines.filter(({ keep }) => !keep).length} of ${lines.length} go`,
      ]
    : lines.map(({ line }) => line);
  return `${[policy, clock, ...body].join('\n')}\n`;
}
