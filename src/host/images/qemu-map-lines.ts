import { runTool } from '../programs/process.ts';
import type { Allocation } from './qemu-img.ts';

/**
 * `qemu-img map` of an image that is not ours, area by area, in order: a fragmented disk has millions. Offsets in bytes.
 * @param image `json:…`
 */
export async function walkAllocation(
  image: string,
  { forceShare, signal }: { readonly forceShare: boolean; readonly signal?: AbortSignal | undefined },
  visit: (area: Pick<Allocation, 'start' | 'length' | 'data' | 'zero'>) => void,
): Promise<void> {
  await runTool('qemu-img', ['map', '--output=json', ...(forceShare ? ['-U'] : []), image], {
    signal,
    onStdoutLine: (line) => {
      const from = line.indexOf('{');
      if (from >= 0) visit(JSON.parse(line.slice(from, line.lastIndexOf('}') + 1)) as Allocation);
    },
  });
}
