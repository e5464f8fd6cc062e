#!/usr/bin/env node
import { keepPrivate } from '../host/files/private-files.ts';
import { watchLease } from '../node/jobs/lease.ts';
import { openSource } from '../node/sources/index.ts';
import { version } from '../schemas/package.ts';
import { runClient } from '../transfer/run-client.ts';

keepPrivate();
process.exitCode = await runClient(process.argv.slice(2), version, { openSource, watchLease });
