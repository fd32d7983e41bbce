import type { Execution } from '../context.ts';
import type { Shell } from './command.ts';

const bash = [
  '# bash completion for cachectl; load it with: source <(cachectl completion bash)',
  '_cachectl() {',
  '  local line=${COMP_LINE:0:COMP_POINT} rest word raw current cut= breaks= program index',
  '  local kind value description listing=',
  '  local -a words=()',
  '  # bash cuts words at : and =; what follows without a blank belongs to the word before.',
  '  for ((index = 0; index <= COMP_CWORD; index++)); do',
  '    rest=${line#"${line%%[![:space:]]*}"} word=${COMP_WORDS[index]}',
  '    ((index == COMP_CWORD)) && word=$rest',
  '    if ((index > 0)) && [[ $rest == "$line" ]]; then',
  '      words[${#words[@]} - 1]+=$word',
  '    else',
  '      words+=("$word")',
  '    fi',
  '    line=${rest#"$word"}',
  '  done',
  '  raw=${words[${#words[@]} - 1]}',
  '  words=("${words[@]//[\\\'\\"\\\\]/}")',
  '  current=${words[${#words[@]} - 1]}',
  '  # Of such a word bash replaces only what follows the last cut.',
  '  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:',
  '  [[ $COMP_WORDBREAKS == *=* ]] && breaks+==',
  '  if [[ -n $breaks && $raw != [\\\'\\"]* ]]; then cut=${current%"${current##*[$breaks]}"}; fi',
  '  program=$(type -P -- "${words[0]/#\\~/$HOME}") || program=cachectl',
  '  COMPREPLY=()',
  "  while IFS=$'\\t' read -r kind value description; do",
  '    case $kind in',
  '      word)',
  '        value=${value#"$cut"}',
  '        if [[ $value == *[!A-Za-z0-9_@%+=:,./-]* && $raw != [\\\'\\"]* ]]; then printf -v value %q "$value"; fi',
  '        COMPREPLY+=("$value")',
  '        ;;',
  '      files | folders) listing=$kind ;;',
  '    esac',
  '  done < <("$program" complete -- "${words[@]:1}" 2>/dev/null)',
  '  # Files are listed by bash itself, which does it only where there is no other candidate.',
  '  case $listing in',
  '    files) ;;',
  '    folders) compopt +o default -o dirnames 2>/dev/null ;;',
  '    *) compopt +o default 2>/dev/null ;;',
  '  esac',
  '}',
  'complete -o default -F _cachectl cachectl',
];

const zsh = [
  '#compdef cachectl',
  '# zsh completion for cachectl; save it as _cachectl in a folder of $fpath, or, after compinit,',
  '# load it with: source <(cachectl completion zsh)',
  '_cachectl() {',
  '  local program=${(Q)words[1]/#\\~/$HOME} kind value description listing',
  '  local -a typed candidates',
  '  (( $+commands[$program] )) || [[ $program == */* && -x $program ]] || program=cachectl',
  '  typed=("${(@Q)words[2,CURRENT-1]}")',
  '  (( CURRENT > 2 )) || typed=()',
  "  while IFS=$'\\t' read -r kind value description; do",
  '    case $kind in',
  '      word)',
  '        value=${${value//\\\\/\\\\\\\\}//:/\\\\:}',
  '        candidates+=("$value${description:+:$description}")',
  '        ;;',
  '      files | folders) listing=$kind ;;',
  '    esac',
  '  done < <("$program" complete -- "${typed[@]}" "${(Q)PREFIX}" 2>/dev/null)',
  '  if [[ -n $listing ]]; then',
  "    [[ $PREFIX == --*=* ]] && compset -P '*='",
  '    if [[ $listing == folders ]]; then _files -/; else _files; fi',
  '  fi',
  '  (( $#candidates )) && _describe -V cachectl candidates',
  '}',
  'if [[ $funcstack[1] == _cachectl ]]; then _cachectl "$@"; else compdef _cachectl cachectl; fi',
];

const fish = [
  '# fish completion for cachectl; load it with: cachectl completion fish | source',
  'function __cachectl_complete',
  '    set -l typed (commandline -opc)',
  "    set -l current (string replace -r -- '^(--[^=]*=|)[\"\\']' '$1' (commandline -ct))",
  '    set -l program $typed[1]',
  '    type -q -- $program; or set program cachectl',
  '    set -e typed[1]',
  '    $program complete -- $typed "$current" 2>/dev/null | while read -l -d \\t kind value description',
  '        switch $kind',
  '            case word',
  '                printf "%s\\t%s\\n" $value $description',
  '            case files folders',
  '                set -l head (string match -r -- \'^--[^=]*=\' "$current")',
  '                set -l path (string replace -- "$head" "" "$current")',
  '                set -l found (__fish_complete_path "$path")',
  '                test $kind = folders; and set found (__fish_complete_directories "$path")',
  '                for each in $found',
  '                    echo "$head$each"',
  '                end',
  '        end',
  '    end',
  'end',
  "complete -c cachectl -f -k -a '(__cachectl_complete)'",
];

const scripts: Readonly<Record<Shell, readonly string[]>> = { bash, zsh, fish };

interface ScriptResult {
  readonly shell: Shell;
  readonly script: string;
}

/**
 * The scripts are thin: each asks `cachectl complete -- WORDS…` at every TAB and offers what it prints, one candidate per
 * line as `kind TAB value TAB description`, so that a new command or a changed map needs no new script. What a person
 * has typed reaches the program as arguments, and never passes through `eval`.
 */
export function completionExecution(shell: Shell): Execution<ScriptResult> {
  return {
    blank: { shell: null, script: null },
    standalone: true,
    oneTable: true,
    run: () => Promise.resolve({ result: { shell, script: scripts[shell].join('\n') } }),
    view: ({ script }) => [{ kind: 'text', name: 'script', text: script }],
  };
}
