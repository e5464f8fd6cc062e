import type { SoapArg } from './encode-soap.ts';
import type { PostOptions } from './soap-connection.ts';
import type { Moref, XmlValue } from './xml.ts';

/**
 * A session at a vCenter or ESXi host. It logs in again where the session ended in the middle. What is read is asked again
 * when the connection breaks; a call that starts a task never is. Closing logs out.
 */
export interface Vsphere extends AsyncDisposable {
  readonly about: About;
  /** Without port. */
  readonly host: string;
  /** ServiceContent: rootFolder, propertyCollector, … */
  readonly content: Readonly<Record<string, Moref>>;
  /** One SOAP call; answers its first returnval, or with `all` what is around them. @throws SendenseError `vsphere.*`, see `faultOf` */
  call(method: string, self: Moref, args?: readonly SoapArg[], options?: PostOptions): Promise<XmlValue | undefined>;
  /** Starts a task and waits for it; answers its result. Aborting cancels the task. @throws SendenseError */
  task(method: string, self: Moref, args: readonly SoapArg[], options?: TaskOptions): Promise<XmlValue | undefined>;
  /** Properties of objects, in the order asked; objects that are gone are left out. */
  properties(
    objects: readonly Moref[],
    paths: readonly string[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<ObjectProperties[]>;
  /** All objects of a type below a container; default: the root of the inventory. */
  all(
    type: string,
    paths: readonly string[],
    options?: { readonly signal?: AbortSignal; readonly container?: Moref },
  ): Promise<ObjectProperties[]>;
  /**
   * Of the session, for requests to /folder. `refused`: the server did not take that one; then a fresh one.
   * @throws SendenseError `vsphere.*` where there is no session and none can be had
   */
  cookie(refused?: string): Promise<string>;
  /** The server's clock minus ours, ms. */
  clockOffset(signal?: AbortSignal): Promise<number>;
}

export interface About {
  readonly apiType: 'VirtualCenter' | 'HostAgent';
  readonly apiVersion: string;
  readonly fullName: string;
  readonly instanceUuid: string | null;
}

export interface TaskOptions {
  readonly signal?: AbortSignal;
  /** How long the task may take, ms. Default 30 minutes. */
  readonly timeoutMs?: number;
  /** How long the end of the task is awaited once it was cancelled, ms. Default one minute. */
  readonly cancelMs?: number;
  onProgress?(percent: number): void;
}

export interface ObjectProperties {
  readonly object: Moref;
  /** By path; one that is not set is not there. */
  readonly values: ReadonlyMap<string, XmlValue>;
}
