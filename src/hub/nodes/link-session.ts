import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { limitPerMinute } from '../../host/net/limit-per-minute.ts';
import type { DataAnswer, LinkHello, LinkRequest, LinkWelcome } from '../../schemas/types.ts';
import { errorLine, linesOf, parseLine, writeLine } from './json-lines.ts';

/** What a node asks for or says about its data connections. */
export type DataRequest = Extract<LinkRequest, { data: string }>;

export interface LinkSession {
  readonly input: Readable;
  readonly output: Writable;
  /** The answer to the node's hello. @throws SendenseError where the node is not let in; it is told why */
  welcome(hello: LinkHello): LinkWelcome;
  /** What the node says of its data connections; undefined: no answer. Missing where there is none to be had. */
  readonly data?: (request: DataRequest) => DataAnswer | undefined;
  /** Asked before each line. False: the node says more than it may, and the session ends. */
  readonly allowed?: () => boolean;
}

/** Lines of a node in a minute, where nobody else counts them; an honest one says few. */
const linesPerMinute = 600;

/** The session that a node holds open: hello and welcome, then pings and what is about a data connection, until the node ends it. Rejects with what was wrong. */
export async function linkSession({ input, output, welcome, data, allowed = own() }: LinkSession): Promise<void> {
  try {
    let welcomed = false;
    for await (const line of linesOf(input)) {
      if (!allowed())
        throw new SendenseError('request.invalid', `more than ${linesPerMinute} lines in a minute`, {
          remedy: 'Upgrade the node. If that does not help, find the program that uses its key.',
        });
      if (welcomed) {
        const request = parseLine<LinkRequest>('link/request.json', line);
        const answer: object | undefined =
          'ping' in request
            ? { pong: request.ping, time: Date.now() }
            : data
              ? data(request)
              : { ticket: null, reason: 'the disks are reached by this connection' };
        if (answer) await writeLine(output, answer);
      } else {
        await writeLine(output, welcome(parseLine<LinkHello>('link/hello.json', line)));
        welcomed = true;
      }
    }
  } catch (error) {
    await writeLine(output, errorLine(error));
    throw error;
  }
}

function own(): () => boolean {
  const take = limitPerMinute(linesPerMinute);
  return () => take('').allowed;
}
