/**
 * What the transfer needs of a source: one consistent view of all disks. `src/node/sources/` implements it and the client's
 * command line hands it over, because siblings do not import each other. Offsets and sizes in bytes.
 */
export interface TransferSource extends AsyncDisposable {
  readonly keys: readonly string[];
  disk(key: string, signal?: AbortSignal): Promise<TransferDisk>;
}

export interface TransferDisk extends AsyncDisposable {
  readonly uri: string;
  readonly rawFile?: string | undefined;
  readonly warnings: readonly string[];
  bytesRead(): number | null;
  changes(capacity: number): Promise<{
    readonly changeId: string;
    readonly since: string | null;
    readonly areas: readonly { readonly offset: number; readonly length: number }[];
  } | null>;
  assertUnchanged(): Promise<void>;
}
