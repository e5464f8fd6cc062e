import { runTool } from '../programs/process.ts';

export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly connections: number;
  readonly requests: number;
  /** Bytes per request. The target's cluster size keeps an overlay as small as the change. */
  readonly requestSize: number;
  /**
   * true: zeros inside what the source calls data are written, so that they hide the parent's data (incremental).
   * false: they are skipped, because the target reads as zeros already (full).
   */
  readonly writeZeroesExplicitly: boolean;
  /** The target may hold data where the source has a hole: holes are written too. Default: it reads as zeros, or as its parent. */
  readonly targetHoldsData?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Fraction from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Arguments of nbdcopy. Source of the choices: measurements, see docs/performance.md. */
export function nbdCopyArgs(options: CopyOptions): string[] {
  return [
    '--flush',
    ...(options.targetHoldsData ? [] : ['--destination-is-zero']),
    ...(options.writeZeroesExplicitly ? ['--sparse=0'] : []),
    `--connections=${options.connections}`,
    `--requests=${options.requests}`,
    `--request-size=${options.requestSize}`,
    ...(options.onProgress ? ['--progress=3'] : []),
    options.from,
    options.to,
  ];
}

/** Copies one export onto another and flushes the target. */
export async function nbdCopy(options: CopyOptions): Promise<void> {
  await runTool('nbdcopy', nbdCopyArgs(options), {
    signal: options.signal,
    ...(options.onProgress ? { onPipeLine: (line: string) => report(line, options.onProgress) } : {}),
  });
}

/** nbdcopy writes `N/100` lines. */
function report(line: string, onProgress: ((fraction: number) => void) | undefined): void {
  const match = /^([0-9]+)\/100/.exec(line);
  if (match) onProgress?.(Number(match[1]) / 100);
}
