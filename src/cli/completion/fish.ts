import type { Completes } from '../command.ts';
import {
  completedCommands,
  completedGlobals,
  topLevelNames,
  type CompletedCommand,
  type CompletedOption,
} from './words.ts';

export function fishCompletion(): string {
  const commands = completedCommands();
  const top = commands.filter(({ path }) => !path.includes(' '));
  const lines = [
    '# fish completion for sendense-run; made by `sendense-run completion fish`',
    'function __sendense_run_names',
    '    sendense-run completion $argv[1] 2>/dev/null',
    'end',
    'function __sendense_run_points',
    '    sendense-run completion points (commandline -ct) 2>/dev/null',
    'end',
    'function __sendense_run_places',
    "    set -l words (string match -v -- '-*' (commandline -opc))",
    // sendense-run files ls POINT …: the first argument is the restore point.
    '    if test (count $words) -lt 4',
    '        __sendense_run_points',
    '    else if test $words[3] = diff -a (count $words) -lt 5',
    '        __sendense_run_points',
    '    else',
    '        sendense-run completion places $words[4] (commandline -ct) 2>/dev/null',
    '    end',
    'end',
    'function __sendense_run_plans',
    '    __fish_complete_suffix .yaml',
    '    __fish_complete_suffix .yml',
    'end',
    `set -l commands ${topLevelNames().join(' ')}`,
    'complete -c sendense-run -f',
    ...completedGlobals.map((option) => line(option, '')),
    `complete -c sendense-run -n '__fish_use_subcommand' -l version -s V -d 'print the version'`,
    ...top.map(
      ({ path, summary }) => `complete -c sendense-run -n '__fish_use_subcommand' -a ${path} -d ${quoted(summary)}`,
    ),
    `complete -c sendense-run -n '__fish_use_subcommand' -a '(__sendense_run_plans)'`,
    ...commands.flatMap(ofCommand),
  ];
  return `${lines.join('\n')}\n`;
}

function ofCommand({ path, options, argument, arguments: places, children }: CompletedCommand): string[] {
  const seen = path
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
  const condition = children.length > 0 ? `${seen}; and not __fish_seen_subcommand_from ${children.join(' ')}` : seen;
  const offered = words(places.includes('places') ? 'places' : argument);
  return [
    ...options.map((option) => line(option, ` -n ${quoted(condition)}`)),
    ...(offered === '' ? [] : [`complete -c sendense-run -n ${quoted(condition)} -a ${quoted(offered)}`]),
  ];
}

function line({ names, description, value }: CompletedOption, condition: string): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
  const offered =
    value === undefined
      ? ''
      : value === 'files'
        ? ' -rF'
        : ` -x${words(value) === '' ? '' : ` -a ${quoted(words(value))}`}`;
  return `complete -c sendense-run${condition} ${flags}${offered} -d ${quoted(description)}`;
}

function words(completes: Completes): string {
  if (typeof completes !== 'string') return completes.join(' ');
  const offers = {
    'plans': '(__sendense_run_plans)',
    'files': '(__fish_complete_path)',
    'folders': '(__fish_complete_directories)',
    'vms': '(__sendense_run_names vms)',
    'known-vms': '(__sendense_run_names known-vms)',
    'sources': '(__sendense_run_names sources)',
    'boots': '(__sendense_run_names boots)',
    'credentials': '(__sendense_run_names credentials)',
    'repositories': '(__sendense_run_names repositories)',
    'repositories-or-folders': '(__sendense_run_names repositories) (__fish_complete_directories)',
    'points': '(__sendense_run_points)',
    'places': '(__sendense_run_places)',
    'nothing': '',
  };
  return offers[completes];
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
