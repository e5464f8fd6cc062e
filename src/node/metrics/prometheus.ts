import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { JobStatus, LinkStatus } from '../../schemas/types.ts';
import { createJobFigures } from './job-figures.ts';
import type { Metrics } from './metrics.ts';

const states: readonly JobStatus['status'][] = ['starting', 'running', 'succeeded', 'failed', 'cancelled'];
const tunnelStates: readonly LinkStatus['state'][] = ['connecting', 'up', 'down', 'stopped'];

export function createMetrics(version: string, jobsBefore: readonly JobStatus[]): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const named = (name: string, help: string): { name: string; help: string; registers: Registry[] } => ({
    name: `sendense_node_${name}`,
    help,
    registers,
  });
  new Gauge({ ...named('info', 'Always 1; the version is its label.'), labelNames: ['version'] }).set({ version }, 1);
  new Gauge(named('start_time_seconds', 'When this process started, seconds since 1970.')).set(
    (Date.now() - process.uptime() * 1000) / 1000,
  );
  const uptime = new Gauge(named('uptime_seconds', 'How long this process has been running.'));
  const memory = new Gauge(named('resident_memory_bytes', 'Memory of this process; jobs have their own.'));
  const requests = new Counter({
    ...named('api_requests_total', 'Answers of the API.'),
    labelNames: ['method', 'route', 'status'],
  });
  const durations = new Histogram({
    ...named('api_request_duration_seconds', 'Time from request to answer.'),
    labelNames: ['route'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
  });
  const errors = new Counter({ ...named('api_errors_total', 'Errors answered, by code.'), labelNames: ['code'] });
  const jobs = new Gauge({ ...named('jobs', 'Jobs on this node, by state.'), labelNames: ['state'] });
  const rate = new Gauge(named('transfer_rate_bytes_per_second', 'What all running jobs move together now.'));
  const transferred = new Counter(
    named('transferred_bytes_total', 'What the changes that were written to targets cover, holes included.'),
  );
  const read = new Counter(named('read_bytes_total', 'Data that was read from sources.'));
  const sent = new Counter(named('sent_bytes_total', 'Data that was sent to targets.'));
  const ended = new Counter({ ...named('jobs_ended_total', 'Jobs that ended, by state.'), labelNames: ['state'] });
  const jobErrors = new Counter({ ...named('job_errors_total', 'Jobs that failed, by code.'), labelNames: ['code'] });
  const jobDurations = new Histogram({
    ...named('job_duration_seconds', 'How long ended jobs took.'),
    buckets: [10, 60, 300, 1800, 7200, 28_800, 86_400],
  });
  const tunnelState = new Gauge({
    ...named('tunnel_state', '1 for the state of the tunnel to the hub; none where there is no tunnel.'),
    labelNames: ['state'],
  });

  const figures = createJobFigures(jobsBefore);
  const look = (job: JobStatus): void => {
    const news = figures.news(job);
    transferred.inc(news.moved.transferred);
    read.inc(news.moved.read);
    sent.inc(news.moved.sent);
    if (!news.ended) return;
    ended.inc({ state: news.ended.status });
    jobDurations.observe(news.ended.seconds);
    if (news.ended.code !== null) jobErrors.inc({ code: news.ended.code });
  };

  return {
    contentType: registry.contentType,
    request: ({ method, route, status, seconds }) => {
      requests.inc({ method, route, status });
      durations.observe({ route }, seconds);
    },
    error: (code) => errors.inc({ code }),
    job: look,
    text: async (now) => {
      for (const job of now.jobs) look(job);
      figures.keep(now.jobs);
      for (const state of states) jobs.set({ state }, now.jobs.filter(({ status }) => status === state).length);
      rate.set(now.jobs.reduce((sum, job) => sum + rateOf(job), 0));
      tunnelState.reset();
      if (now.tunnel) for (const state of tunnelStates) tunnelState.set({ state }, Number(now.tunnel.state === state));
      uptime.set(process.uptime());
      memory.set(process.memoryUsage.rss());
      return registry.metrics();
    },
  };
}

const rateOf = (job: JobStatus): number =>
  job.finished === null ? job.disks.reduce((sum, disk) => sum + disk.rate, 0) : 0;
