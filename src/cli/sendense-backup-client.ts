#!/usr/bin/env node
import { keepPrivate } from '../host/files/private-files.ts';
import { watchLease } from '../node/jobs/lease.ts';
import { openSource } from '../node/sources/index.ts';
import { version } from '../schemas/package.ts';
import { runClient } from '../transfer/run-client.ts';

keepPrivate();
process.exitCode = await runClient(process.argv.slice(2), version, {
  openSource,
  watchLease,
  // Loaded where it is needed: who reads images does not pay for SOAP.
  restore: async (request, place) => (await import('../node/restores/restore-work.ts')).restoreWork(request, place),
  inPlace: async (request, place) => (await import('../node/restores/in-place.ts')).inPlaceWork(request, place),
  compare: async (request, place) => (await import('../node/restores/compare-work.ts')).compareWork(request, place),
});
