# fish completion for cachectl; load it with: cachectl completion fish | source
function __cachectl_complete
    set -l typed (commandline -opc)
    set -l current (string replace -r -- '^(--[^=]*=|)["\']' '$1' (commandline -ct))
    set -l program $typed[1]
    type -q -- $program; or set program cachectl
    set -e typed[1]
    $program complete -- $typed "$current" 2>/dev/null | while read -l -d \t kind value description
        switch $kind
            case word
                printf "%s\t%s\n" $value $description
            case files folders
                set -l head (string match -r -- '^--[^=]*=' "$current")
                set -l path (string replace -- "$head" "" "$current")
                set -l found (__fish_complete_path "$path")
                test $kind = folders; and set found (__fish_complete_directories "$path")
                for each in $found
                    echo "$head$each"
                end
        end
    end
end
complete -c cachectl -f -k -a '(__cachectl_complete)'
