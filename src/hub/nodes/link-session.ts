import type { Readable, Writable } from 'node:stream';
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
}

/** The session that a node holds open: hello and welcome, then pings and what is about a data connection, until the node ends it. Rejects with what was wrong. */
export async function linkSession({ input, output, welcome, data }: LinkSession): Promise<void> {
  try {
    let welcomed = false;
    for await (const line of linesOf(input)) {
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
