import { lstat } from 'node:fs/promises';

/**
 * What files are now: their sizes and times.
 * @param files absolute paths
 * @returns what says which of them is not as it was, and in what; null: none
 */
export async function rememberFiles(files: readonly string[]): Promise<() => Promise<string | null>> {
  const looks = (): Promise<Look[]> => Promise.all(files.map(lookAt));
  const before = await looks();
  return async () => {
    const now = await looks();
    const index = now.findIndex(
      ({ bytes, changed }, at) => bytes !== before[at]?.bytes || changed !== before[at]?.changed,
    );
    const [file, was, is] = [files[index], before[index], now[index]];
    if (file === undefined || !was || !is) return null;
    return `${file} is not as it was when the restore point was opened: ${is.bytes === was.bytes ? 'somebody wrote to it' : `it had ${sizeOf(was)}, and has ${sizeOf(is)}`}`;
  };
}

interface Look {
  /** Null: it cannot be looked at. */
  readonly bytes: bigint | null;
  /** Time of the last change, ns. */
  readonly changed: bigint | null;
}

const lookAt = (file: string): Promise<Look> =>
  lstat(file, { bigint: true }).then(
    ({ size, mtimeNs }) => ({ bytes: size, changed: mtimeNs }),
    () => ({ bytes: null, changed: null }),
  );

const sizeOf = ({ bytes }: Look): string => (bytes === null ? 'no size that can be seen' : `${bytes} bytes`);
