import { formatBytes, formatRate } from '../../view/format.ts';
import { exactly, type Terminal } from '../../view/terminal.ts';

const everyMs = 200;

/** How much was read so far, in one line of a terminal; nothing where standard error is none. */
export interface TakeProgress extends Disposable {
  /** Of what is read now. @param total bytes; null: nobody knows */
  begin(name: string, total: number | null): void;
  add(bytes: number): void;
  readonly bytes: number;
}

export function takeProgress({ stderr, interactive }: Terminal, quiet: boolean): TakeProgress {
  const started = performance.now();
  const shows = interactive && !quiet;
  let drawn = 0;
  let all = 0;
  let now = { name: '', total: null as number | null, bytes: 0 };
  const draw = (): void => {
    drawn = performance.now();
    const rate = all / Math.max(0.001, (drawn - started) / 1000);
    const of = now.total === null || now.total === 0 ? '' : ` of ${formatBytes(now.total)}`;
    exactly(stderr).write(`\r\u001b[K${now.name}  ${formatBytes(now.bytes)}${of}  ${formatRate(rate)}`);
  };
  return {
    get bytes() {
      return all;
    },
    begin(name, total) {
      now = { name, total, bytes: 0 };
    },
    add(bytes) {
      all += bytes;
      now.bytes += bytes;
      if (shows && performance.now() - drawn > everyMs) draw();
    },
    [Symbol.dispose]() {
      if (drawn > 0) exactly(stderr).write('\r\u001b[K');
    },
  };
}
