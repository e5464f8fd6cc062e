import { hubTrouble, type Trouble } from './ask.ts';

/** What the last line of a search or a comparison says. */
export interface LinesEnd {
  /** Names that were looked at. */
  readonly seen: number;
  readonly unreadable: readonly string[];
}

/**
 * Reads JSON lines as they come.
 * @param onLines hears of those that came together
 * @param signal ends the work at the hub, too; then this rejects with its reason
 */
export async function readLines<Line extends object>(
  path: string,
  onLines: (lines: readonly Line[]) => void,
  signal: AbortSignal,
): Promise<LinesEnd | Trouble> {
  try {
    const response = await fetch(path, { signal, credentials: 'same-origin', cache: 'no-store' });
    if (!response.ok || !response.body) return await hubTrouble(response);
    let end: LinesEnd | undefined;
    let rest = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = `${rest}${piece.value}`.split('\n');
      rest = lines.pop() ?? '';
      const values = lines.map((line) => JSON.parse(line) as Line | LinesEnd);
      const last = values.at(-1);
      if (last && 'seen' in last) {
        end = last;
        values.pop();
      }
      if (values.length > 0) onLines(values as Line[]);
    }
    return end ?? brokenOff;
  } catch (cause) {
    if (signal.aborted) throw cause;
    return brokenOff;
  }
}

const brokenOff: Trouble = {
  status: 500,
  code: 'files.cut-off',
  message: 'the answer broke off: the restore point was closed, its reader failed, or the hub went away',
  remedy: 'Try again.',
  position: null,
};
