import type { CommandDefinition, OptionDefinition } from '../command.ts';
import { adopt } from './adopt.ts';
import { attach, detach } from './attach.ts';
import { audit } from './audit.ts';
import { boot } from './boot.ts';
import { check } from './check.ts';
import { completion } from './completion.ts';
import { credentials } from './credentials.ts';
import { daemon } from './daemon.ts';
import { discover } from './discover.ts';
import { explain } from './explain.ts';
import { files } from './files.ts';
import { history } from './history.ts';
import { hub } from './hub.ts';
import { init } from './init.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { metrics } from './metrics.ts';
import { node } from './node.ts';
import { notify } from './notify.ts';
import { plan } from './plan.ts';
import { protect, unprotect } from './protect.ts';
import { prune } from './prune.ts';
import { recover } from './recover.ts';
import { repo } from './repo.ts';
import { restore } from './restore.ts';
import { run } from './run.ts';
import { schedule } from './schedule.ts';
import { schema } from './schema.ts';
import { show } from './show.ts';
import { status } from './status.ts';
import { token } from './token.ts';
import { upkeep } from './upkeep.ts';
import { user } from './user.ts';
import { validate } from './validate.ts';
import { verify } from './verify.ts';

/** The commands of `sendense-run`, in the order in which help lists them. */
export const commands: readonly CommandDefinition[] = [
  run,
  init,
  plan,
  validate,
  restore,
  attach,
  detach,
  boot,
  files,
  list,
  show,
  check,
  verify,
  status,
  history,
  logs,
  metrics,
  notify,
  recover,
  schedule,
  daemon,
  upkeep,
  prune,
  protect,
  unprotect,
  adopt,
  discover,
  credentials,
  user,
  token,
  audit,
  node,
  hub,
  repo,
  schema,
  explain,
  completion,
];

/** Options of every command; they may stand before or after its name. */
export const globalOptions: readonly OptionDefinition[] = [
  {
    flags: '-c, --config <file>',
    description: 'settings file (default: sendense.yaml beside the plan, above it, or in /etc/sendense/)',
    completes: 'files',
  },
  {
    flags: '--hub <url>',
    description: 'do it at the hub with this address, over HTTP: https://hub.example.com:8082 (docs/remote.md)',
    completes: 'nothing',
  },
  {
    flags: '--token-file <file>',
    description: 'with --hub: file with a token, which only you can read',
    completes: 'files',
  },
  {
    flags: '--hub-certificate <certificate>',
    description: 'with --hub: certificate of the hub or of its authority (PEM), or its SHA-256 fingerprint',
    completes: 'files',
  },
  { flags: '--plain-http', description: 'with --hub: send the token without encryption, also to another machine' },
  { flags: '--json', description: 'results as JSON, one object per line, on standard output' },
  { flags: '-q, --quiet', description: 'print only errors and the result' },
  { flags: '--no-color', description: 'no colours; the program also honours NO_COLOR and FORCE_COLOR' },
];
