// The compiled DSDT, copied to memory by acpi.c.
    .section .rodata.dsdt, "a"
    .balign 4
    .globl dsdt_image, dsdt_image_end
dsdt_image:
    .incbin "dsdt.aml"
dsdt_image_end:
