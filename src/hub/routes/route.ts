import type { publicRight, Route as ApiRoute } from '../../api/route.ts';
import type { ChangeWatch } from '../events/watch-changes.ts';
import type { Hub } from '../hub.ts';
import type { Right } from '../access/rights.ts';
import type { Inquiries } from '../acts/inquiries.ts';
import type { Repeats } from '../acts/repeats.ts';
import type { ServiceFigures } from '../metrics/service-figures.ts';
import type { AskCommand, StartRun } from '../runs/start-run.ts';
import type { RememberedAnswers } from './remembered.ts';
import { filesTag } from './files/route.ts';

/** What the routes act with. */
export interface HubParts {
  readonly hub: Hub;
  /** Who answers the nodes. */
  readonly ssh: 'builtin' | 'openssh';
  readonly service: ServiceFigures;
  /** Brings `service` up to date with what other processes carry; quick, and never rejects. */
  countElsewhere(): Promise<void>;
  /** Begins a run, which is a process of its own and goes on when this one ends (`src/cli/units/units.ts`). */
  readonly startRun: StartRun;
  /** Asks a command that begins nothing, in a process of its own. */
  readonly askCommand: AskCommand;
  /** For requests that begin something. */
  readonly repeats: Repeats;
  /** Socket of the keeper of files, which is started where there is none. @throws SendenseError `files.reader`, `files.unavailable` */
  filesKeeper(): Promise<string>;
  /** Changes, for streams of events. */
  readonly events: ChangeWatch;
  /** Answers that many ask for at once. */
  readonly remembered: RememberedAnswers;
  /** Questions that take longer than a request. */
  readonly inquiries: Inquiries;
  /** This API as an OpenAPI document. */
  openApi(): Promise<Buffer>;
}

/** What the routes are about. Each names one of these. */
export const tags = {
  hub: 'The hub itself.',
  status: 'What goes on, and what is wrong.',
  backups: 'Restore points.',
  boots: 'VMs that run from restore points.',
  vms: 'VMs, and how well they are protected.',
  runs: 'Runs of plans, and their logs.',
  plans: 'Plans and their schedules.',
  repositories: 'Repositories.',
  sources: 'Sources of VMs.',
  notices: 'Notices.',
  nodes: 'The nodes of the hub.',
  access: 'Who may do what, who is logged in, and who did what.',
  ...filesTag,
} as const;

type Route<Body> = Omit<ApiRoute<HubParts, Body>, 'credentials'> & {
  readonly tag: keyof typeof tags;
  readonly right: Right | typeof publicRight;
};

export const defineRoute = <Body = undefined>(route: Route<Body>): Route<Body> => route;
