import { signal, type ReadonlySignal } from '@preact/signals';
import type { FilesOutput, RestoreMountRequest } from '../../schemas/types.ts';
import { ask, type Answer, type Question, type Trouble } from './ask.ts';

/** A restore point whose files the page reads. The hub closes it after a while; then it is opened again, and nobody notices. */
export interface OpenPoint {
  readonly wanted: Required<Pick<RestoreMountRequest, 'vm' | 'point' | 'repository'>>;
  /** Undefined until it is open. */
  readonly info: ReadonlySignal<FilesOutput | undefined>;
  /** Why it could not be opened. */
  readonly trouble: ReadonlySignal<Trouble | undefined>;
  /** Opens it where it is not open. @returns the address of the session, or why there is none */
  open(signal?: AbortSignal): Promise<string | Trouble>;
  /** A request of the session: `what` is the address below it. */
  ask<Body>(what: string, question?: Question): Promise<Answer<Body>>;
  /** The session has ended: the next request opens another one. */
  forget(): void;
}

/** A hub that starts a reader, and looks at a long chain first, takes its time, ms. */
const openMs = 150_000;

export function openPoint(wanted: OpenPoint['wanted']): OpenPoint {
  const info = signal<FilesOutput | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  let address: string | undefined;
  let opening: Promise<string | Trouble> | undefined;

  async function mount(): Promise<string | Trouble> {
    const answer = await ask<FilesOutput>('/api/v1/restore/mount', {
      method: 'POST',
      body: wanted,
      patienceMs: openMs,
    });
    const failed = answer.ok === false ? answer.trouble : undefined;
    trouble.value = failed;
    if (answer.ok !== true) return failed ?? unasked;
    info.value = answer.body;
    address = addressOf(answer.body.id);
    return address;
  }

  async function open(): Promise<string | Trouble> {
    if (address !== undefined) return address;
    opening ??= mount().finally(() => (opening = undefined));
    return opening;
  }

  async function askIt<Body>(what: string, question?: Question): Promise<Answer<Body>> {
    for (let again = true; ; again = false) {
      const at = await open();
      question?.signal?.throwIfAborted();
      if (typeof at !== 'string') return { ok: false, trouble: at };
      const answer = await ask<Body>(`${at}${what === '' ? '' : `/${what}`}`, question);
      const ended = answer.ok === false && answer.trouble.code === 'files.session';
      if (ended && address === at) address = undefined;
      if (ended && again) continue;
      if (answer.ok === true && isInfo(answer.body)) info.value = answer.body;
      return answer;
    }
  }

  return { wanted, info, trouble, open, ask: askIt, forget: () => (address = undefined) };
}

/** Address of a session of the hub. */
export const addressOf = (session: string): string => `/api/v1/restore/${encodeURIComponent(session)}`;

const isInfo = (body: unknown): body is FilesOutput => body !== null && typeof body === 'object' && 'volumes' in body;

const unasked: Trouble = {
  status: 0,
  code: 'hub.silent',
  message: 'the hub answered nothing',
  remedy: '',
  position: null,
};
