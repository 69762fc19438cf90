#!/bin/sh
# Fails if compiled code takes the address of a stack variable or uses EBP as a pointer: the stack is not in DS (machine.h).
# Arguments: objdump, then the object files compiled from C.
objdump=$1
shift
found=$("$objdump" -d -m i8086 "$@" | grep -E 'lea +[^ ]*\(%esp.*\),|\(%ebp|\(%bp' | grep -v -E ',%esp$')
if [ -n "$found" ]; then
  echo "addresses of stack variables in the VGA BIOS:" >&2
  echo "$found" >&2
  exit 1
fi
