import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Call, Parameter } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { RunStartedOutput } from '../../../schemas/types.ts';
import { rightToRun, riskOfKind } from '../../access/rights.ts';
import type { StartablePlan } from '../../acts/acts.ts';
import type { Begun } from '../../acts/repeats.ts';
import type { JudgedPlan } from '../../runs/judged-plan.ts';
import { saidError, type RunEnd } from '../../runs/start-run.ts';
import { mayKnow } from '../list-answer.ts';
import type { HubParts } from '../route.ts';

export const repeatHeader: Readonly<Record<string, Parameter>> = {
  'idempotency-key': {
    description:
      '1 to 128 visible ASCII characters that you make up. For 24 hours, the same request with the same key gets the same answer, and nothing begins twice.',
  },
};

/** What starting a run may answer with. */
export const startErrors = ['plan.unknown', 'plan.invalid', 'run.locked', 'run.crashed'] as const;

/** How often to look for a run that begins, ms. */
const lookMs = 20;

type ActCall = Call<HubParts, unknown>;

/** @throws SendenseError `access.right`; `plan.unknown` where the caller may not know of its VM */
export function assertMayRun({ caller }: Pick<ActCall, 'caller'>, { plan, kind, vm }: StartablePlan): void {
  if (!mayKnow(caller, vm))
    throw new SendenseError('plan.unknown', `the hub knows no plan ${plan}`, { details: { field: 'plan' } });
  const right = rightToRun(kind);
  if (caller.rights.has(right)) return;
  throw new SendenseError(
    'access.right',
    `${caller.name} has no right to ${right}, which running a plan of kind ${kind} takes`,
    { details: { right } },
  );
}

/** What running a plan takes beside a right. @throws SendenseError `access.stale` */
export function assertFreshFor(call: Pick<ActCall, 'caller'>, { kind }: StartablePlan): void {
  const risk = riskOfKind(kind);
  if (risk !== null) assertFresh(call, risk);
}

/** @param what what is to be done, in words @throws SendenseError `access.stale` */
export function assertFresh({ caller }: Pick<ActCall, 'caller'>, what: string): void {
  if (caller.isFresh()) return;
  throw new SendenseError('access.stale', `this ${what}, so your password has to be typed again`);
}

/** The words of `sendense-run` that run a plan. */
const wordsOf = ({ plan, file, scheduled }: StartablePlan, mode: string | undefined): string[] => {
  if (mode !== undefined) return ['run', '--mode', mode, '--', file];
  return scheduled ? ['schedule', 'run', '--', plan] : ['run', '--', file];
};

/** A run of a plan. What is in force of a scheduled one is not read anew. */
export const runOf = (plan: StartablePlan, mode?: string): RunToBegin => ({
  plan: plan.plan,
  words: wordsOf(plan, mode),
  judged: plan.scheduled && mode === undefined ? undefined : judgedAs(plan),
});

/**
 * What its file has to have still. Where the file is gone, the command line would name others that are like it.
 * @throws SendenseError `plan.unknown`
 */
export function judgedAs({ plan, kind, vm, file }: StartablePlan): JudgedPlan {
  if (existsSync(file)) return { plan, kind, vm };
  throw new SendenseError('plan.unknown', `the file of the plan ${plan} is gone`, { details: { field: 'plan' } });
}

export interface RunToBegin {
  /** Its name; null: none that is in a file. */
  readonly plan: string | null;
  /** Of `sendense-run`. */
  readonly words: readonly string[];
  /** What that reads from standard input. */
  readonly input?: string;
  /** Where it runs the plan of a file: as which plan that was judged. */
  readonly judged?: JudgedPlan | undefined;
}

/**
 * Answers with what `begin` has begun, once for each key. What a request is judged by, such as that a restore point is there, belongs into
 * `begin`: it may be gone when the same is asked again.
 * @param route for the key: id of the route, and what its path names
 */
export async function beginOnce(call: ActCall, route: string, begin: () => Promise<Begun>): Promise<object> {
  const { parts, caller, body, header } = call;
  const asked = { caller: caller.identity, route, key: header('idempotency-key'), body };
  return answerBegun(call, await parts.repeats.once(asked, begin));
}

/** Begins a run. The body of the answer is what `answer` makes of it. */
export async function beginRun(
  { parts, caller }: Pick<ActCall, 'parts' | 'caller'>,
  { plan, words, ...given }: RunToBegin,
  answer: (started: RunStartedOutput) => Promise<object> = async (started) => started,
): Promise<Begun> {
  const run = parts.startRun(words, given);
  const runId = await run.begun();
  await whenKnown(parts.hub, runId, run.ended);
  parts.hub.acts.begunBy(runId, caller.name);
  return { status: 202, location: `/api/v1/runs/${runId}`, body: await answer({ version: 1, run_id: runId, plan }) };
}

/** A run says that it begins a moment before others find it. @throws SendenseError what kept it from going on */
async function whenKnown({ pages }: HubParts['hub'], runId: string, ended: Promise<RunEnd>): Promise<void> {
  let end: RunEnd | undefined;
  void ended.then((how) => (end = how));
  for (;;) {
    const over = end;
    if (pages.factsOfRun(runId)) return;
    if (over) throw saidError(over.error);
    await delay(lookMs);
  }
}

function answerBegun({ answer }: Pick<ActCall, 'answer'>, { status, location, body }: Begun): object {
  answer.status(status);
  if (location !== null) answer.header('location', location);
  return body;
}
