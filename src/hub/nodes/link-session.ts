import type { Readable, Writable } from 'node:stream';
import type { LinkHello, LinkPing, LinkWelcome } from '../../schemas/types.ts';
import { errorLine, linesOf, parseLine, writeLine } from './json-lines.ts';

export interface LinkSession {
  readonly input: Readable;
  readonly output: Writable;
  /** The answer to the node's hello. @throws SendenseError where the node is not let in; it is told why */
  welcome(hello: LinkHello): LinkWelcome;
}

/** The session that a node holds open: hello and welcome, then pings, until the node ends it. Rejects with what was wrong. */
export async function linkSession({ input, output, welcome }: LinkSession): Promise<void> {
  try {
    let welcomed = false;
    for await (const line of linesOf(input)) {
      if (welcomed) {
        const { ping } = parseLine<LinkPing>('link/ping.json', line);
        await writeLine(output, { pong: ping, time: Date.now() });
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
