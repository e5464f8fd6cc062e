import type { CommandContext } from '../command.ts';
import type { HubConnection } from './hub-connection.ts';

/** How a command is done with `--hub`. */
export type Way = HubWay | ActWay | HereWay | AtHubWay;

interface Asked {
  /** Ids of the routes that it asks. */
  readonly routes: readonly string[];
  /** Options that the API has nothing for, by camelCase name, with the reason. */
  readonly without?: Readonly<Record<string, string>>;
}

/** The command does what it does at the hub, and what it asks `Hub` for comes over HTTP (`remote-hub.ts`). */
export interface HubWay extends Asked {
  readonly how: 'hub';
}

/** The command has another action, which asks the API and prints the same. */
export interface ActWay extends Asked {
  readonly how: 'act';
  load(): Promise<(context: CommandContext, hub: HubConnection) => Promise<number>>;
}

/** The command needs no hub. */
export interface HereWay {
  readonly how: 'here';
}

/** The command is refused. */
export interface AtHubWay {
  readonly how: 'at-hub';
  /** After a colon. */
  readonly why: string;
}
