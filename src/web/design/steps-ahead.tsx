import './steps-ahead.css';
import type { JSX } from 'preact';
import type { PlannedEffect, PlanOutput } from '../../schemas/types.ts';
import { formatBytes } from '../../view/format.ts';
import { plain } from './text.tsx';

const words: Readonly<Record<PlannedEffect['action'], string>> = {
  run: 'runs',
  create: 'makes',
  change: 'changes',
  remove: 'removes',
  lease: 'leases',
  insert: 'rows in',
  read: 'reads',
  send: 'calls',
};

/** What a run would do: the decision for each disk, then its steps. */
export const StepsAhead = ({ of }: { readonly of: PlanOutput }): JSX.Element => (
  <div class="ahead">
    {of.disks.length === 0 ? null : (
      <ul aria-label="Disks">
        {of.disks.map((disk) => (
          <li key={disk.disk}>
            <strong>{plain(disk.disk)}</strong> {disk.mode}, {formatBytes(disk.capacity_bytes)} disk,{' '}
            {disk.estimated_bytes === null ? 'bytes known later' : `about ${formatBytes(disk.estimated_bytes)} to send`}
            <div class="soft">{plain(disk.reason)}</div>
          </li>
        ))}
      </ul>
    )}
    <ol aria-label="Steps">
      {of.steps.map((step, index) => (
        <li key={step.id}>
          <header>
            <strong>
              {index + 1}. {plain(step.title)}
            </strong>
            <span class="soft mono">{plain(step.uses)}</span>
            {step.runs === 'yes' ? null : (
              <span class="soft">{step.runs === 'no' ? 'skipped' : 'only if its condition holds'}</span>
            )}
          </header>
          <Effects step={step} />
        </li>
      ))}
    </ol>
  </div>
);

const Effects = ({ step }: { readonly step: PlanOutput['steps'][number] }): JSX.Element => (
  <ul class="effects">
    {step.effects.map(({ action, target, detail, argv }, index) => (
      <li key={index}>
        <span>{words[action]}</span>
        <span>
          {plain(target)}
          {detail === '' ? '' : `: ${plain(detail)}`}
          {argv === null ? null : <code> $ {plain(argv.join(' '))}</code>}
        </span>
      </li>
    ))}
    {[...step.notes, ...step.unknown.map((text) => `Known later: ${text}`)].map((text) => (
      <li key={text}>
        <span />
        <span>{plain(text)}</span>
      </li>
    ))}
  </ul>
);
