import { EventEmitter } from 'node:events';
import { openTerminal, type Terminal } from '../../src/view/terminal.ts';

export interface FakeStream {
  text: string;
  columns: number;
  rows: number;
  isTTY: boolean;
  write(text: string): boolean;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
  emit(event: 'resize'): unknown;
}

/** A stream that keeps what is written. */
export function fakeStream({ isTTY = false, columns = 80 } = {}): FakeStream {
  const emitter = new EventEmitter();
  const stream: FakeStream = {
    text: '',
    columns,
    rows: 40,
    isTTY,
    write: (text) => ((stream.text += text), true),
    on: (event, listener) => emitter.on(event, listener),
    off: (event, listener) => emitter.off(event, listener),
    emit: (event) => emitter.emit(event),
  };
  return stream;
}

export interface FakeTerminal {
  readonly terminal: Terminal;
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
}

export function fakeTerminal(
  options: { isTTY?: boolean; columns?: number; env?: Record<string, string> } = {},
): FakeTerminal {
  const stdout = fakeStream(options);
  const stderr = fakeStream(options);
  const env = options.env ?? { LANG: 'C.UTF-8', NO_COLOR: '1' };
  return { terminal: openTerminal({ stdout, stderr, env, noColour: false }), stdout, stderr };
}

/** What a terminal shows in the end of what was drawn over and over: the text after the last time that all was erased. */
// oxlint-disable-next-line no-control-regex -- escape codes are what it looks for
export const withoutEscapes = (text: string): string => text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
