import type { Completes } from '../command.ts';
import { completedCommands, completedGlobals, topLevelNames, type CompletedOption } from './words.ts';

/** A bash function that asks nothing but the file system, except for names, which it asks the program for. */
export function bashCompletion(): string {
  const commands = completedCommands();
  const parents = commands.filter(({ children }) => children.length > 0);
  const withValue = [...completedGlobals, ...commands.flatMap(({ options }) => options)].filter(
    ({ value }) => value !== undefined,
  );
  return `# bash completion for sendense-run; made by \`sendense-run completion bash\`
_sendense_run_names() { _sendense_run_words "$("\${COMP_WORDS[0]}" completion "$1" 2>/dev/null)"; }
_sendense_run_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_sendense_run_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_sendense_run_folders() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); }
_sendense_run_repositories() {
  if [[ $cur == */* || $cur == . || $cur == .. ]]; then _sendense_run_folders; else _sendense_run_names repositories; fi
}
_sendense_run_plans() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.yaml' -- "$cur"; compgen -f -X '!*.yml' -- "$cur")
}
_sendense_run() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' i
  COMPREPLY=()
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${withValue
        .flatMap(({ names }) => names)
        .filter(unique)
        .join(' | ')}) ((i++)) ;;
      -* | =) ;;
      *) command+=\${command:+ }\${COMP_WORDS[i]}; [[ $command == @(${parents.map(({ path }) => path).join('|')}) ]] || break ;;
    esac
  done
  case $prev in
${optionCases(completedGlobals, '    ')}
  esac
  case $command in
    '')
      if [[ $cur == -* ]]; then
        _sendense_run_words '${namesOf(completedGlobals)} --version'
      else
        _sendense_run_plans
        mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -W '${topLevelNames().join(' ')}' -- "$cur")
      fi
      ;;
${commands
  .map(
    ({ path, options, argument }) => `    '${path}')
      case $prev in
${optionCases(options, '        ')}
      esac
      if [[ $cur == -* ]]; then _sendense_run_words '${namesOf([...options, ...completedGlobals])}'; else ${reply(argument)}; fi
      ;;`,
  )
  .join('\n')}
    *) if [[ $cur == -* ]]; then _sendense_run_words '${namesOf([...(commands[0]?.options ?? []), ...completedGlobals])}'; else _sendense_run_plans; fi ;;
  esac
}
complete -F _sendense_run sendense-run
`;
}

const unique = (name: string, index: number, all: readonly string[]): boolean => all.indexOf(name) === index;
const namesOf = (options: readonly CompletedOption[]): string => options.flatMap(({ names }) => names).join(' ');

const optionCases = (options: readonly CompletedOption[], indent: string): string =>
  options
    .filter(({ value }) => value !== undefined)
    .map(({ names, value }) => `${indent}${names.join(' | ')}) ${reply(value ?? 'nothing')}; return ;;`)
    .join('\n') || `${indent}'') ;;`;

function reply(completes: Completes): string {
  if (typeof completes !== 'string') return `_sendense_run_words '${completes.join(' ')}'`;
  switch (completes) {
    case 'plans':
      return '_sendense_run_plans';
    case 'files':
      return '_sendense_run_files';
    case 'folders':
      return '_sendense_run_folders';
    case 'vms':
    case 'known-vms':
    case 'sources':
    case 'credentials':
    case 'repositories':
      return `_sendense_run_names ${completes}`;
    case 'repositories-or-folders':
      return '_sendense_run_repositories';
    case 'nothing':
      return ':';
  }
}
