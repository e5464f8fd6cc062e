import { runTool } from '../programs/process.ts';

/** A piece of the guest's disk that lies uncompressed and unencrypted in the file, all in bytes. */
export interface OwnData {
  /** In the guest's disk. */
  readonly guest: number;
  /** In the file. */
  readonly host: number;
  readonly length: number;
}

interface MapLine {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
  /** Missing where the file does not hold these bytes as they are. */
  readonly offset?: number;
}

/**
 * `qemu-img map` of a qcow2 alone, its backing files not opened. A piece that is a hole in the file counts like one of zeros.
 * @param file absolute path
 */
export async function mapOwnData(file: string, signal?: AbortSignal): Promise<OwnData[]> {
  const pieces: OwnData[] = [];
  // One area a line; a fragmented disk has millions, too many for one text.
  const onStdoutLine = (line: string): void => {
    const from = line.indexOf('{');
    if (from < 0) return;
    const { start, length, depth, data, offset } = JSON.parse(line.slice(from, line.lastIndexOf('}') + 1)) as MapLine;
    if (depth === 0 && data && offset !== undefined) pieces.push({ guest: start, host: offset, length });
  };
  const image = { driver: 'qcow2', backing: null, file: { driver: 'file', filename: file } };
  await runTool('qemu-img', ['map', '--output=json', '-U', `json:${JSON.stringify(image)}`], { signal, onStdoutLine });
  return pieces;
}
