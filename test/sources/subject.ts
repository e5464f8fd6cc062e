import type { Login, Source } from '../../src/node/sources/source.ts';
import type {
  SettingsOf,
  SourceAccount,
  SourceKind,
  SourcePlace,
  SourceType,
  SpecOf,
  VmReference,
} from '../../src/sources/source-kind.ts';

/** A source of some kind with one VM, for the conformance suite: both halves of the kind, and what the tests know of the VM. */
export interface Subject<T extends SourceType> extends AsyncDisposable {
  readonly kind: SourceKind<T>;
  readonly source: Source<SpecOf<T>>;
  readonly settings: SettingsOf<T>;
  readonly place: SourcePlace;
  readonly vm: VmReference;
  /** Name of the VM in the source. */
  readonly vmName: string;
  /** Null: the source asks for none. */
  readonly account: SourceAccount | null;
  /** What each disk holds, in the order of the keys. */
  readonly contents: readonly Buffer[];
  /** What backups have made at the source. */
  traces(): Promise<readonly unknown[]>;
}

export const specOf = <T extends SourceType>({ kind, settings, vm, place }: Subject<T>): SpecOf<T> =>
  kind.spec(settings, vm, place);

/** As a request on the wire brings it. */
export const loginOf = <T extends SourceType>({ kind, account }: Subject<T>): Login | null =>
  account && kind.login ? kind.login.fromWire(kind.login.toWire(account)) : null;
