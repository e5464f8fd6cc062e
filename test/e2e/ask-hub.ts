import { expect, vi } from 'vitest';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { secondOpinion } from '../api/second-opinion.ts';
import { findRun, type RunRecord } from '../../src/state/runs/runs.ts';
import type { HubProgram } from './hub-program.ts';

export interface Answered<T> {
  readonly status: number;
  readonly location: string | null;
  readonly body: T;
}

export type Refused = { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } };

export const patience = { timeout: 200_000, interval: 20 };

/** A request to the API of a hub, with its token unless `headers` say who asks. */
export async function askHub<T>(
  hub: Pick<HubProgram, 'url' | 'token'>,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${hub.token}` },
): Promise<Answered<T>> {
  const own = 'authorization' in headers || 'cookie' in headers ? {} : { authorization: `Bearer ${hub.token}` };
  const sent = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(`${hub.url}/api/v1${path}`, {
    method,
    headers: { ...own, ...sent, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const parsed = (text === '' ? undefined : JSON.parse(text)) as T;
  const { status } = answer;
  const type = answer.headers.get('content-type');
  expect(secondOpinion({ method, path: `/api/v1${path}`, status, type, body: parsed })).toEqual([]);
  return {
    status,
    location: answer.headers.get('location'),
    body: parsed,
  };
}

/** Fails unless a value is as a schema says. */
export function schema(name: string, value: unknown): void {
  const validate = validatorOf(name);
  expect(validate(value), describeErrors(validate.errors)).toBe(true);
}

/** Waits until a run has ended. */
export async function whenEnded(hub: Pick<HubProgram, 'state'>, id: string): Promise<RunRecord> {
  return await vi.waitFor(() => {
    const run = findRun(hub.state, id);
    if (run?.finished == null) throw new Error(`run ${id} goes on`);
    return run;
  }, patience);
}

/** Logs a user in at the page; answers what to send with each request. */
export async function logInAt(
  hub: Pick<HubProgram, 'url'>,
  name: string,
  password: string,
): Promise<Readonly<Record<string, string>>> {
  const own = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
  const answer = await fetch(`${hub.url}/api/v1/session`, {
    method: 'POST',
    headers: own,
    body: JSON.stringify({ name, password }),
  });
  if (answer.status !== 200) throw new Error(`login of ${name}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  return { 'sec-fetch-site': 'same-origin', 'cookie': (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}
