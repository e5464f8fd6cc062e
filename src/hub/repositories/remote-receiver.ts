import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { openSshChannel, type SshChannel } from '../../host/ssh/channel.ts';
import type { SshServer } from '../../host/ssh/tunnel-options.ts';
import type { FilePresence } from '../../repository/stored-files/receive-files.ts';
import { answerIn, longestAnswer, pipeReader, writeBytes, type ReceiverRequest } from './receiver-wire.ts';
import type { Receiver, ReceiverFacts } from './receiver.ts';

/** A repository of another hub. */
export interface RemoteRepository {
  readonly server: SshServer;
  /** OpenSSH format. */
  readonly privateKey: string;
  /** What answers there: `sendense-run repo receive PATH`. */
  readonly command: string;
}

type ToldFacts = Omit<ReceiverFacts, 'blocked'> & { readonly blocked?: ReceiverFacts['blocked'] | null };

const endWithinMs = 10_000;

/** @throws SendenseError `ssh.*` */
export async function remoteReceiver(remote: RemoteRepository, signal?: AbortSignal): Promise<Receiver> {
  return receiverOver(await openSshChannel({ ...remote, signal }), signal);
}

/** @param channel at whose other end `repo receive` answers */
export function receiverOver(channel: SshChannel, signal?: AbortSignal): Receiver {
  const { stream } = channel;
  const reader = pipeReader(stream, longestAnswer);
  // What it says without being asked is an error; the next request finds it instead of its answer.
  const send = async (request: ReceiverRequest, bytes?: Uint8Array): Promise<void> => {
    signal?.throwIfAborted();
    if (stream.destroyed || stream.writableEnded) throw await channel.ended;
    let room = stream.write(`${JSON.stringify(request)}\n`);
    if (bytes) room = stream.write(bytes);
    if (!room) await Promise.race([once(stream, 'drain'), channel.ended]);
  };
  const ask = async <T>(request: ReceiverRequest): Promise<T> => {
    await send(request);
    const line = await Promise.race([reader.line().catch(() => null), channel.ended.then(() => null)]);
    signal?.throwIfAborted();
    if (line === null) throw await channel.ended;
    const answer = answerIn(line, request.op);
    if ('error' in answer) throw told(answer.error);
    return answer.result as T;
  };
  return {
    async hello(context) {
      const { blocked, ...facts } = await ask<ToldFacts>({ op: 'hello', version: 1, context });
      // A hub that does not know of it refuses the VM as a whole.
      return { ...facts, blocked: blocked ?? [] };
    },
    reserve: (bytes) => ask({ op: 'reserve', bytes }),
    begin: (path, bytes) => ask<FilePresence>({ op: 'begin', path, bytes }),
    async write(chunk) {
      for (let from = 0; from < chunk.length; from += writeBytes) {
        const some = chunk.subarray(from, from + writeBytes);
        await send({ op: 'write', bytes: some.length }, some);
      }
    },
    finish: (facts) => ask<boolean>({ op: 'finish', facts }),
    adopt: (facts) => ask<boolean>({ op: 'adopt', facts }),
    commit: (text, marks) => ask({ op: 'commit', text, marks }),
    async done() {
      const warnings = await ask<string[]>({ op: 'done' });
      // Until it has given its lock back; one that does not end is no reason to fail what is committed there.
      stream.end();
      await Promise.race([
        reader.line().catch(() => null),
        channel.ended,
        delay(endWithinMs, undefined, { ref: false }),
      ]);
      return warnings;
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  };
}

const told = ({ code, message, remedy }: { code: string; message: string; remedy: string }): SendenseError =>
  new SendenseError(
    Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'link.protocol',
    `the other hub: ${message}`,
    remedy === '' ? {} : { remedy },
  );
