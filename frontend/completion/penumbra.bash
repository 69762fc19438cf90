# bash completion for penumbra. Made by 'penumbra completion' from the option table; do not edit.

_penumbra() {
  local word previous
  # '=' and ':' break words in readline, but belong to our values.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref -n =: -c word -p previous
  else
    word=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD - 1]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "run conform completion man --help --help-all --version" -- "$word"))
    return
  fi
  [[ ${COMP_WORDS[1]} == run ]] || return
  case $previous in
    --bios|--vgabios|--config|--fda|--fdb|--hda|--hdb|--hdc|--hdd|--cdrom|--kernel|--initrd|--screenshot|--screen-text|--trace-file)
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$word")) ;;
    --memory)
      COMPREPLY=($(compgen -W "16M 64M 128M 256M 512M 1G" -- "$word")) ;;
    --cpu)
      COMPREPLY=($(compgen -W "486 pentium p2 p3 p4" -- "$word")) ;;
    --engine)
      COMPREPLY=($(compgen -W "interpreter translator lockstep" -- "$word")) ;;
    --mmu)
      COMPREPLY=($(compgen -W "windows registers soft" -- "$word")) ;;
    --translator)
      COMPREPLY=($(compgen -W "block=1 cache=1M promote=0 check=1 tlb=1 spaces=1 forget helper=" -- "$word")) ;;
    --rtc)
      COMPREPLY=($(compgen -W "base=utc base=localtime" -- "$word")) ;;
    --debug-exit)
      COMPREPLY=($(compgen -W "0xF4 off" -- "$word")) ;;
    --boot)
      COMPREPLY=($(compgen -W "order=acd order=cd order=d order=c order=a" -- "$word")) ;;
    --serial)
      COMPREPLY=($(compgen -W "stdio mon:stdio file: pty unix: null" -- "$word")) ;;
    --parallel)
      COMPREPLY=($(compgen -W "stdio mon:stdio file: pty unix: null" -- "$word")) ;;
    --debugcon)
      COMPREPLY=($(compgen -W "stdio mon:stdio file: pty unix: null" -- "$word")) ;;
    --monitor)
      COMPREPLY=($(compgen -W "stdio mon:stdio file: pty unix: null" -- "$word")) ;;
    --display)
      COMPREPLY=($(compgen -W "sdl none" -- "$word")) ;;
    --timeout)
      COMPREPLY=($(compgen -W "10 60 300" -- "$word")) ;;
    --trace)
      COMPREPLY=($(compgen -W "all instructions interrupts faults paging ports mmio pic pit rtc keyboard dma floppy ide serial parallel vga pci acpi apic fw_cfg speaker bios guest translation" -- "$word")) ;;
    --gdb)
      COMPREPLY=($(compgen -W ":1234 stdio unix:" -- "$word")) ;;
    *)
      COMPREPLY=($(compgen -W "--memory --cpu --bios --vgabios --engine --mmu --translator --icount --rtc --debug-exit --no-reboot --config --fda --fdb --hda --hdb --hdc --hdd --cdrom --readonly --boot --kernel --initrd --append --serial --parallel --debugcon --monitor --display --nographic --full-screen --screenshot --screen-text --type --expect --timeout --stats --trace --trace-file --dump-translation --perf-map --gdb --help --help-all --version" -- "$word")) ;;
  esac
  if declare -F __ltrim_colon_completions > /dev/null; then
    __ltrim_colon_completions "$word"
  fi
}

complete -F _penumbra penumbra
