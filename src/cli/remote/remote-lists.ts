import { noNode } from '../../state/nodes/nodes.ts';
import type {
  AuditOutput,
  FilesLogOutput,
  HubNotices,
  HubRepositories,
  HubSchedules,
  NodesOutput,
  NotifyFlushOutput,
  NotifyListOutput,
  NotifyTestOutput,
  SchedulesOutput,
} from '../../schemas/types.ts';
import { auditReport } from '../../view/reports/audit-report.ts';
import { filesLogReport } from '../../view/reports/files-log-report.ts';
import { nodeReport, nodesReport } from '../../view/reports/nodes-report.ts';
import {
  channelsReport,
  noticesReport,
  notifyFlushReport,
  notifyTestReport,
} from '../../view/reports/notify-report.ts';
import { repositoriesReport } from '../../view/reports/repositories-report.ts';
import { schedulesReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import { sinceOf } from '../since.ts';
import type { HubConnection } from './hub-connection.ts';
import { firstOf, pagesOf } from './pages-of.ts';

/** As many as a page of each list has at most. */
const pageSize = 200;

export async function schedules(context: CommandContext, hub: HubConnection): Promise<number> {
  const found: HubSchedules[] = [];
  for await (const page of pagesOf<HubSchedules>(hub, '/api/v1/schedules')) found.push(page);
  const output: SchedulesOutput = {
    version: 1,
    schedules: found.flatMap((page) => page.schedules),
    duplicates: found[0]?.duplicates ?? [],
  };
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}

const scheduleOf = ({ args }: CommandContext, what: 'pause' | 'resume'): string =>
  `/api/v1/schedules/${encodeURIComponent(args[0] ?? '')}/${what}`;

export async function pause(context: CommandContext, hub: HubConnection): Promise<number> {
  const { reason } = context.options as { readonly reason?: string };
  const request = { method: 'POST', body: reason === undefined ? {} : { reason } } as const;
  const output = await hub.ask<SchedulesOutput>(scheduleOf(context, 'pause'), request);
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}

export async function resume(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<SchedulesOutput>(scheduleOf(context, 'resume'), { method: 'POST' });
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}

export async function notices(context: CommandContext, hub: HubConnection): Promise<number> {
  const { number, plan } = context.options as { readonly number: string; readonly plan?: string };
  const limit = countOption('--number', number);
  const pages = pagesOf<HubNotices>(hub, '/api/v1/notices', { plan, limit: Math.min(limit, pageSize) });
  const { entries } = await firstOf(pages, (page) => page.notices, limit);
  print(context, { version: 1, notices: entries }, (options) =>
    noticesReport({ version: 1, notices: entries }, options),
  );
  return 0;
}

export async function channels(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<NotifyListOutput>('/api/v1/channels');
  print(context, output, (options) => channelsReport(output, options));
  return 0;
}

export async function testChannels(context: CommandContext, hub: HubConnection): Promise<number> {
  const [channel] = context.args;
  const body = channel === undefined ? {} : { channel };
  const output = await hub.ask<NotifyTestOutput>('/api/v1/notices/test', { method: 'POST', body });
  print(context, output, (options) => notifyTestReport(output, options));
  return output.ok ? 0 : 1;
}

export async function flush(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<NotifyFlushOutput>('/api/v1/notices/flush', { method: 'POST' });
  print(context, output, () => notifyFlushReport(output));
  return output.waiting > 0 ? 1 : 0;
}

export async function nodes(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<NodesOutput>('/api/v1/nodes');
  print(context, output, (options) => nodesReport(output, options));
  return 0;
}

export async function node(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const all = await hub.ask<NodesOutput>('/api/v1/nodes');
  const output = { ...all, nodes: all.nodes.filter((one) => one.name === name) };
  if (output.nodes.length === 0)
    throw noNode(
      name,
      all.nodes.map((one) => one.name),
    );
  print(context, output, (options) => nodeReport(output, options));
  return 0;
}

export async function repositories(context: CommandContext, hub: HubConnection): Promise<number> {
  const { version, repositories: found } = await hub.ask<HubRepositories>('/api/v1/repositories');
  const output = { version, repositories: found };
  print(context, output, (options) => repositoriesReport(output, options));
  return 0;
}

export async function audit(context: CommandContext, hub: HubConnection): Promise<number> {
  const { who, action, since, failed, limit } = context.options as {
    readonly who?: string;
    readonly action?: string;
    readonly since?: string;
    readonly failed?: boolean;
    readonly limit: string;
  };
  const most = countOption('--limit', limit);
  const query = {
    who,
    action,
    outcome: failed === true ? 'failed' : undefined,
    since: since === undefined ? undefined : sinceOf(since),
    limit: Math.min(most, pageSize),
  };
  const found: AuditOutput[] = [];
  const { entries, more } = await firstOf(
    pagesOf<AuditOutput>(hub, '/api/v1/audit', query),
    (page) => (found.push(page), page.entries),
    most,
  );
  const output: AuditOutput = { version: 1, entries, next_cursor: more ? (found.at(-1)?.next_cursor ?? null) : null };
  print(context, output, (options) => auditReport(output, options));
  return 0;
}

export async function filesLog(context: CommandContext, hub: HubConnection): Promise<number> {
  const { since, limit } = context.options as { readonly since?: string; readonly limit: string };
  const query = { vm: context.args[0], since: since === undefined ? undefined : sinceOf(since) };
  const output = await readsOf(hub, query, countOption('--limit', limit));
  print(context, output, (options) => filesLogReport(output, options));
  return 0;
}

/** Rows that the hub answers at once. */
const readsAtOnce = 10_000;

/** The newest reads, from the newest part of the log to the oldest that is wanted. */
async function readsOf(
  hub: HubConnection,
  query: { readonly vm: string | undefined; readonly since: number | undefined },
  most: number,
): Promise<FilesLogOutput> {
  let reads: FilesLogOutput['reads'] = [];
  for (;;) {
    const limit = Math.min(readsAtOnce, most - reads.length);
    const part = await hub.ask<FilesLogOutput>('/api/v1/restore/log', {
      query: { ...query, limit, before: reads[0]?.id },
    });
    reads = [...part.reads, ...reads];
    if (!part.more || reads.length >= most) return { version: 1, reads, more: part.more };
  }
}
