import { closeSync, constants, openSync, readSync } from 'node:fs';

/** What the guest's kernel said since this was made. */
export class KernelLog implements Disposable {
  readonly #file: number;

  constructor() {
    this.#file = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
    this.lines();
  }

  /** Lines since the last call. */
  lines(): string[] {
    const lines: string[] = [];
    const record = Buffer.alloc(8192);
    for (;;) {
      try {
        const bytes = readSync(this.#file, record);
        if (bytes === 0) return lines;
        const [text = ''] = record.toString('utf8', 0, bytes).split('\n');
        lines.push(text.slice(text.indexOf(';') + 1));
      } catch (error) {
        // Some were overwritten meanwhile.
        if ((error as NodeJS.ErrnoException).code === 'EPIPE') continue;
        return lines;
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
