import type { Completes } from '../command.ts';
import { completedCommands, completedGlobals, topLevelNames, type CompletedOption } from './words.ts';

/** A function for zsh's completion system; belongs into a file `_sendense-run` of `$fpath`. */
export function zshCompletion(): string {
  const commands = completedCommands();
  return `#compdef sendense-run
# zsh completion for sendense-run; made by \`sendense-run completion zsh\`
_sendense_run_plans() { _files -g '*.(yaml|yml)' }
_sendense_run_names() {
  local -a names
  names=(\${(f)"$(sendense-run completion $1 2>/dev/null)"})
  compadd -a names
}
_sendense_run_points() { _sendense_run_begun points }
_sendense_run_places() {
  local -a given
  given=(\${words[2,CURRENT-1]:#-*})
  _sendense_run_begun places "$given[1]"
}
_sendense_run_begun() {
  local -a begun folders
  begun=(\${(f)"$(sendense-run completion "$@" "\${(Q)PREFIX}" 2>/dev/null)"})
  folders=(\${(M)begun:#*[/:]})
  begun=(\${begun:#*[/:]})
  compadd -a begun
  compadd -S '' -a folders
}
_sendense_run_vms() { _sendense_run_names vms }
_sendense_run_known_vms() { _sendense_run_names known-vms }
_sendense_run_sources() { _sendense_run_names sources }
_sendense_run_boots() { _sendense_run_names boots }
_sendense_run_credentials() { _sendense_run_names credentials }
_sendense_run_repositories() { _sendense_run_names repositories }
_sendense_run_repositories_or_folders() { _sendense_run_repositories; _files -/ }
_sendense_run_commands() {
  local -a commands
  commands=(
${commands
  .filter(({ path }) => topLevelNames().includes(path))
  .map(({ path, summary }) => `    ${quoted(`${path}:${summary}`)}`)
  .join('\n')}
  )
  _describe -t commands command commands
  _sendense_run_plans
}
_sendense-run() {
  local curcontext=$curcontext state line
  local -a globals
  globals=(
${specs(completedGlobals, '    ')}
  )
  _arguments -C $globals '(-V --version)'{-V,--version}'[print the version]' '1: :_sendense_run_commands' '*:: :->rest'
  [[ $state == rest ]] || return
  local command=$line[1]
${commands
  .filter(({ children }) => children.length > 0)
  .map(
    ({ path }) =>
      `  if [[ $command == ${path} && $CURRENT -gt 2 ]]; then command="${path} $words[2]"; shift words; (( CURRENT-- )); fi`,
  )
  .join('\n')}
  case $command in
${commands
  .map(
    ({ path, options, argument, arguments: all }) => `    ${quoted(path)})
      _arguments $globals \\
${[specs(options, '        ', ' \\'), places(argument, all)].filter((part) => part !== '').join('\n')}
      ;;`,
  )
  .join('\n')}
    *) _arguments $globals '*: :_sendense_run_plans' ;;
  esac
}
if [[ $funcstack[1] == _sendense-run ]]; then _sendense-run "$@"; else compdef _sendense-run sendense-run; fi
`;
}

/** By the place of the argument, where that counts. */
function places(first: Completes, all: readonly Completes[]): string {
  const given = all.includes('places') ? all : [first];
  return given
    .map((completes, at) => `        '${at === given.length - 1 ? '*' : at + 1}: :${action(completes)}'`)
    .join(' \\\n');
}

const specs = (options: readonly CompletedOption[], indent: string, end = ''): string =>
  options.map((option) => `${indent}${spec(option)}${end}`).join('\n');

function spec({ names, description, value }: CompletedOption): string {
  const help = `[${description.replace(/[[\]:]/g, '\\$&')}]`;
  const rest = quoted(value === undefined ? help : `${help}: :${action(value)}`);
  return names.length === 1 ? `${quoted(names[0] ?? '')}${rest}` : `'(${names.join(' ')})'{${names.join(',')}}${rest}`;
}

function action(completes: Completes): string {
  if (typeof completes !== 'string') return `(${completes.join(' ')})`;
  const actions = {
    'plans': '_sendense_run_plans',
    'files': '_files',
    'folders': '_files -/',
    'vms': '_sendense_run_vms',
    'known-vms': '_sendense_run_known_vms',
    'sources': '_sendense_run_sources',
    'boots': '_sendense_run_boots',
    'credentials': '_sendense_run_credentials',
    'repositories': '_sendense_run_repositories',
    'repositories-or-folders': '_sendense_run_repositories_or_folders',
    'points': '_sendense_run_points',
    'places': '_sendense_run_places',
    'nothing': ' ',
  };
  return actions[completes];
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
