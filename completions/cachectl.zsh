#compdef cachectl
# zsh completion for cachectl; save it as _cachectl in a folder of $fpath, or, after compinit,
# load it with: source <(cachectl completion zsh)
_cachectl() {
  local program=${(Q)words[1]/#\~/$HOME} kind value description listing
  local -a typed candidates
  (( $+commands[$program] )) || [[ $program == */* && -x $program ]] || program=cachectl
  typed=("${(@Q)words[2,CURRENT-1]}")
  (( CURRENT > 2 )) || typed=()
  while IFS=$'\t' read -r kind value description; do
    case $kind in
      word)
        value=${${value//\\/\\\\}//:/\\:}
        candidates+=("$value${description:+:$description}")
        ;;
      files | folders) listing=$kind ;;
    esac
  done < <("$program" complete -- "${typed[@]}" "${(Q)PREFIX}" 2>/dev/null)
  if [[ -n $listing ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if [[ $listing == folders ]]; then _files -/; else _files; fi
  fi
  (( $#candidates )) && _describe -V cachectl candidates
}
if [[ $funcstack[1] == _cachectl ]]; then _cachectl "$@"; else compdef _cachectl cachectl; fi
