import type { BaseLogger } from 'pino';
import { errorToJson, type SendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import { where } from '../../host/ssh/tunnel-options.ts';
import type { SshServer, TunnelState } from '../../host/ssh/tunnel.ts';
import { version as ours } from '../../schemas/package.ts';
import { versionMisfit } from '../../schemas/version-fit.ts';
import type { Enrolment, LinkStatus, LinkWelcome } from '../../schemas/types.ts';
import { statusWriter } from './link-files.ts';

/** Clocks that differ by more than this are worth a warning, ms. */
export const maxSkewMs = 30_000;

/** Makes of what happens to a tunnel what `status.json` says. */
export interface StatusKeeper extends AsyncDisposable {
  now(): LinkStatus;
  opening(server: SshServer, enrolment: Enrolment): void;
  changed(state: TunnelState): void;
  /** How the disks are reached now. */
  data(state: LinkStatus['data']): void;
  /** It is tried again at another time than the tunnel said. */
  retrying(at: number): void;
  welcomed(welcome: LinkWelcome, skewMs: number): void;
  /** The hub ended the session with an error, or answered something else than a welcome. */
  refused(error: SendenseError): void;
}

export function openStatus(stateDir: string, server: SshServer, enrolment: Enrolment, log: BaseLogger): StatusKeeper {
  const writer = statusWriter(stateDir, (error) => log.warn({ error }, 'the status of the link cannot be written'));
  let isWelcome = false;
  /** What the hub itself said before it ended the connection: more than the tunnel knows. */
  let refusal: SendenseError | null = null;
  let status: LinkStatus = {
    version: 1,
    state: 'connecting',
    ...factsOf(server, enrolment),
    connected_since: null,
    program: null,
    connections: 0,
    attempts: 1,
    retry_at: null,
    last_error: null,
    data: { way: 'tunnel', state: 'connecting', error: null, connections: 1 },
    hub_version: null,
    clock_skew_ms: null,
    process: thisProcess(),
    updated: Date.now(),
  };
  const set = (change: Partial<LinkStatus>): void => {
    status = { ...status, ...change, updated: Date.now() };
    writer.write(status);
  };
  const failed = (error: SendenseError, retryAt: number | null): void => {
    const { code, message, remedy } = errorToJson(error);
    set({
      state: 'down',
      connected_since: null,
      retry_at: retryAt,
      last_error: { code, message, remedy, time: Date.now() },
    });
  };
  set({});
  return {
    now: () => status,
    opening: (to, enrolled) => {
      isWelcome = false;
      refusal = null;
      set({ state: 'connecting', connected_since: null, ...factsOf(to, enrolled) });
    },
    changed: (state) => {
      if (state.state === 'connecting') {
        isWelcome = false;
        refusal = null;
        set({ state: 'connecting', attempts: status.attempts + 1, retry_at: null });
      } else if (state.state === 'down') {
        isWelcome = false;
        failed(refusal ?? state.error, state.retryAt);
      } else if (isWelcome) {
        const { since, program } = state;
        const connections = status.connections + 1;
        set({ state: 'up', connected_since: since, program, connections, attempts: 0, retry_at: null });
      }
    },
    data: (data) => set({ data }),
    retrying: (at) => set({ retry_at: at }),
    welcomed: (welcome, skewMs) => {
      isWelcome = true;
      const { name, hub_version: version, reverse_port: reverse, nbd_ports: nbd, hub_api_port: api } = welcome;
      log.info({ name, hub_version: version, clock_skew_ms: skewMs }, `linked with the hub as ${name}`);
      const misfit = versionMisfit({ hub: version, node: ours });
      if (misfit !== null) log.warn({ hub_version: version, version: ours }, `${misfit} (docs/operations.md)`);
      if (Math.abs(skewMs) > maxSkewMs)
        log.warn({ clock_skew_ms: skewMs }, `the clocks of hub and node differ by ${Math.round(skewMs / 1000)} s`);
      set({
        name,
        hub_version: version,
        reverse_port: reverse,
        nbd_ports: nbd,
        hub_api_port: api,
        clock_skew_ms: skewMs,
      });
    },
    refused: (error) => {
      refusal = error;
      log.error({ code: error.code }, `the hub refuses the link: ${error.message}`);
      failed(error, status.retry_at);
    },
    [Symbol.asyncDispose]: async () => {
      const data = { ...status.data, state: 'down' } as const;
      set({ state: 'stopped', connected_since: null, retry_at: null, data });
      await writer.settled();
    },
  };
}

const factsOf = (server: SshServer, { name, reverse_port, nbd_ports, hub_api_port }: Enrolment) => ({
  name,
  hub: where(server),
  reverse_port,
  nbd_ports,
  hub_api_port,
});
