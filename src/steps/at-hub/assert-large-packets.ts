import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { largeBytes, lookAtMtu } from '../../host/net/large-packets.ts';

export interface LargeQuestion {
  /** The node, as messages call it. */
  readonly name: string;
  /** @param padBytes makes question and answer so much longer */
  ask(signal: AbortSignal, padBytes: number): Promise<unknown>;
  /** The same without padding, as long as it may take. */
  askSmall(): Promise<unknown>;
  readonly signal: AbortSignal;
  /** ms for an answer; default 20 000. */
  readonly withinMs?: number;
  /** What fails sooner broke for another reason: lost packets are silence first. ms, default 5000. */
  readonly silentMs?: number;
}

/** What a line is like on which large packets are lost: nothing comes, or what carries it breaks. */
const lost: readonly string[] = ['node.unreachable', 'ssh.lost', 'ssh.unreachable'];

/**
 * The node has answered a small question: whether it answers one of several full packets, too. Twice, since a line can break once for other
 * reasons; in between the small one has to be answered again.
 * @throws SendenseError `node.unreachable` that names the MTU, or what the small question ends with, and the MTU
 */
export async function assertLargePackets(question: LargeQuestion): Promise<void> {
  const { name, signal } = question;
  if (await isAnswered(question)) return;
  const what = `node ${name} answers small requests, but none of ${largeBytes} bytes: the line loses packets of full size (MTU)`;
  try {
    await question.askSmall();
  } catch (cause) {
    signal.throwIfAborted();
    const { code, message } = toSendenseError(cause);
    throw new SendenseError(code, `${message}; before that, ${what}`, { cause, remedy: lookAtMtu('NODE') });
  }
  if (await isAnswered(question)) return;
  throw new SendenseError('node.unreachable', what, { remedy: lookAtMtu('NODE') });
}

/** Or whether nothing can be told by it. */
async function isAnswered({ ask, signal, withinMs = 20_000, silentMs = 5000 }: LargeQuestion): Promise<boolean> {
  const begun = performance.now();
  const limit = AbortSignal.timeout(withinMs);
  try {
    await ask(AbortSignal.any([signal, limit]), largeBytes);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (performance.now() - begun < silentMs) return true;
    const { code, details } = toSendenseError(error);
    // A refusal is an answer: that of a proxy, for which the question is too long.
    return !limit.aborted && (details?.['status'] !== undefined || !lost.includes(code));
  }
}
