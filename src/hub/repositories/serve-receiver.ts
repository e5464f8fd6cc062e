import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { errorToJson, SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import {
  longestRequest,
  pipeReader,
  requestIn,
  writeBytes,
  type ReceiverAnswer,
  type ReceiverRequest,
} from './receiver-wire.ts';
import type { Receiver } from './receiver.ts';

/**
 * Answers a copy that comes over a pipe, until it is done. What was received before an error stays, for the next copy to go
 * on with.
 * @throws SendenseError what went wrong, after it was told to the sender
 */
export async function serveReceiver(input: Readable, output: Writable, receiver: Receiver): Promise<void> {
  const reader = pipeReader(input, longestRequest);
  const say = async (said: ReceiverAnswer): Promise<void> => {
    if (!output.write(`${JSON.stringify(said)}\n`)) await once(output, 'drain');
  };
  try {
    for (;;) {
      const line = await reader.line();
      if (line === null) throw new SendenseError('ssh.lost', 'the sender went away before it was done');
      const request = requestIn(line);
      if (request.op === 'write') {
        if (request.bytes > writeBytes)
          throw new SendenseError('link.protocol', `a piece of ${request.bytes} bytes was announced`);
        await receiver.write(await reader.bytes(request.bytes));
        continue;
      }
      await say({ result: (await answer(receiver, request)) ?? null });
      if (request.op === 'done') return;
    }
  } catch (error) {
    const known = error instanceof SyntaxError ? new SendenseError('link.protocol', error.message) : error;
    await say({ error: errorToJson(toSendenseError(known)) }).catch(() => undefined);
    throw known;
  } finally {
    // A pipe that somebody could still read from keeps the program alive.
    input.destroy();
  }
}

function answer(receiver: Receiver, request: Exclude<ReceiverRequest, { op: 'write' }>): Promise<unknown> {
  switch (request.op) {
    case 'hello':
      if (request.version !== 1) throw new SendenseError('link.protocol', 'the sender has another version');
      return receiver.hello(request.context);
    case 'reserve':
      return receiver.reserve(request.bytes);
    case 'begin':
      return receiver.begin(request.path, request.bytes);
    case 'finish':
      return receiver.finish(request.facts);
    case 'adopt':
      return receiver.adopt(request.facts);
    case 'commit':
      return receiver.commit(request.text, request.marks);
    case 'done':
      return receiver.done();
  }
}
