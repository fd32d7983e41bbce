# bash completion for cachectl; load it with: source <(cachectl completion bash)
_cachectl() {
  local line=${COMP_LINE:0:COMP_POINT} rest word raw current cut= breaks= program index
  local kind value description listing=
  local -a words=()
  # bash cuts words at : and =; what follows without a blank belongs to the word before.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    rest=${line#"${line%%[![:space:]]*}"} word=${COMP_WORDS[index]}
    ((index == COMP_CWORD)) && word=$rest
    if ((index > 0)) && [[ $rest == "$line" ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    line=${rest#"$word"}
  done
  raw=${words[${#words[@]} - 1]}
  words=("${words[@]//[\'\"\\]/}")
  current=${words[${#words[@]} - 1]}
  # Of such a word bash replaces only what follows the last cut.
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
  if [[ -n $breaks && $raw != [\'\"]* ]]; then cut=${current%"${current##*[$breaks]}"}; fi
  program=$(type -P -- "${words[0]/#\~/$HOME}") || program=cachectl
  COMPREPLY=()
  while IFS=$'\t' read -r kind value description; do
    case $kind in
      word)
        value=${value#"$cut"}
        if [[ $value == *[!A-Za-z0-9_@%+=:,./-]* && $raw != [\'\"]* ]]; then printf -v value %q "$value"; fi
        COMPREPLY+=("$value")
        ;;
      files | folders) listing=$kind ;;
    esac
  done < <("$program" complete -- "${words[@]:1}" 2>/dev/null)
  # Files are listed by bash itself, which does it only where there is no other candidate.
  case $listing in
    files) ;;
    folders) compopt +o default -o dirnames 2>/dev/null ;;
    *) compopt +o default 2>/dev/null ;;
  esac
}
complete -o default -F _cachectl cachectl
