#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { openSource } from '../node/sources/index.ts';
import { runClient } from '../transfer/run-client.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runClient(process.argv.slice(2), version, openSource);
