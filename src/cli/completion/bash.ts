import type { Completes } from '../command.ts';
import { completedCommands, completedGlobals, topLevelNames, type CompletedOption } from './words.ts';

/** A bash function that asks nothing but the file system, except for names, which it asks the program for. */
export function bashCompletion(): string {
  const commands = completedCommands();
  const parents = commands.filter(({ children }) => children.length > 0);
  return `# bash completion for sendense-run; made by \`sendense-run completion bash\`
# What the program says is never expanded: folders of a repository can have any name.
_sendense_run_names() { _sendense_run_words_of "$1"; }
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
# Words as they were typed: bash breaks them at colons and at signs.
_sendense_run_join() {
  local i word rest lead at=0
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]} rest=\${COMP_LINE:at}
    lead=\${rest%%[![:space:]]*}
    ((at += \${#lead} + \${#word}))
    if [[ $i -gt 0 && -n $COMP_LINE && -z $lead && ( $word == [:@]* || \${COMP_WORDS[i - 1]} == *[:@] ) ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
}
# The program says how a word goes on. Bash replaces what follows the last colon, or begins with the last at sign.
_sendense_run_words_of() {
  local quote='' typed=$cur cut='' found one ends=1
  case $cur in
    # Quotes that end within the word: bash replaces what follows the last one only.
    \\'*\\'* | '"'*'"\\!"'*) return ;;
    \\'*) quote=\\' typed=\${cur:1} ;;
    '"'*) quote='"' typed=$(sed 's/\\\\\\([\\\\"$\`]\\)/\\1/g' <<<"\${cur:1}") ;;
    *) typed=$(sed 's/\\\\\\(.\\)/\\1/g' <<<"$cur") ;;
  esac
  mapfile -t found < <("\${words[0]}" completion "$@" "$typed" 2>/dev/null)
  if [[ -z $quote && $cur == *[:@]* ]]; then
    [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && cut=\${typed%"\${typed##*:}"}
    [[ $COMP_WORDBREAKS == *@* && $cur == *@* && $cut != *@* ]] && cut=\${typed%"@\${typed##*@}"}
  fi
  for one in "\${found[@]}"; do
    [[ $one == "$typed"* ]] || continue
    [[ $one == *[/:] ]] || ends=0
    one=\${one#"$cut"}
    _sendense_run_quote
    COMPREPLY+=("$one")
  done
  [[ $ends == 0 ]] || compopt -o nospace
}
# $one as text in the quotes that the word begins with, or in none: it can hold whatever the guest wrote.
_sendense_run_quote() {
  case $quote in
    \\') one=\${one//\\'/\\'\\\\\\'\\'} ;;
    '"')
      one=\${one//\\\\/\\\\\\\\} one=\${one//\\"/\\\\\\"} one=\${one//\\$/\\\\\\$} one=\${one//\\\`/\\\\\\\`}
      one=\${one//!/\\"\\\\!\\"}
      ;;
    *) printf -v one '%q' "$one" ;;
  esac
}
_sendense_run_points() { _sendense_run_words_of points; }
_sendense_run_places() { _sendense_run_words_of places "$point"; }
_sendense_run() {
  local -a words
  _sendense_run_join
  local last=$((\${#words[@]} - 1)) command='' point='' nth=0 i
  local cur=\${words[last]} prev=\${words[last - 1]}
  COMPREPLY=()
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${words[last - 2]}; fi
  local valued='${valuedIn([...completedGlobals, ...commands.flatMap(({ options }) => options)])}'
  for ((i = 1; i < last; i++)); do
    # A letter can be a flag there that takes a value elsewhere.
    [[ $command != files* ]] || valued='${valuedIn([...completedGlobals, ...commands.filter(({ path }) => path.startsWith('files')).flatMap(({ options }) => options)])}'
    if [[ \${words[i]} == $valued ]]; then
      ((i++))
    elif [[ \${words[i]} == -* || \${words[i]} == = ]]; then
      continue
    elif ((nth > 0)); then
      ((nth++))
      point=\${point:-\${words[i]}}
    else
      command+=\${command:+ }\${words[i]}
      [[ $command == @(${parents.map(({ path }) => path).join('|')}) ]] || nth=1
    fi
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
    ({ path, options, argument, arguments: others }) => `    '${path}')
      case $prev in
${optionCases(options, '        ')}
      esac
      if [[ $cur == -* ]]; then _sendense_run_words '${namesOf([...options, ...completedGlobals])}'; else ${replyTo(argument, others)}; fi
      ;;`,
  )
  .join('\n')}
    *) if [[ $cur == -* ]]; then _sendense_run_words '${namesOf([...(commands[0]?.options ?? []), ...completedGlobals])}'; else _sendense_run_plans; fi ;;
  esac
}
complete -F _sendense_run sendense-run
`;
}

/** A pattern of options that are followed by a value. */
const valuedIn = (options: readonly CompletedOption[]): string =>
  `@(${options
    .filter(({ value }) => value !== undefined)
    .flatMap(({ names }) => names)
    .filter(unique)
    .join('|')})`;

const unique = (name: string, index: number, all: readonly string[]): boolean => all.indexOf(name) === index;
const namesOf = (options: readonly CompletedOption[]): string => options.flatMap(({ names }) => names).join(' ');

const optionCases = (options: readonly CompletedOption[], indent: string): string =>
  options
    .filter(({ value }) => value !== undefined)
    .map(({ names, value }) => `${indent}${names.join(' | ')}) ${reply(value ?? 'nothing')}; return ;;`)
    .join('\n') || `${indent}'') ;;`;

/** By the place of the argument, where that counts. */
function replyTo(first: Completes, all: readonly Completes[]): string {
  if (!all.includes('places')) return reply(first);
  const each = all.map((completes, at) => `${at === all.length - 1 ? '*' : at + 1}) ${reply(completes)} ;;`);
  return `case $nth in ${each.join(' ')} esac`;
}

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
    case 'boots':
    case 'credentials':
    case 'repositories':
      return `_sendense_run_names ${completes}`;
    case 'repositories-or-folders':
      return '_sendense_run_repositories';
    case 'points':
    case 'places':
      return `_sendense_run_${completes}`;
    case 'nothing':
      return ':';
  }
}
