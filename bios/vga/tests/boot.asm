; Boot sector: loads the 62 sectors behind it to 0:8000h, sector by sector so that any geometry will do, and jumps there.
        bits 16
        cpu 386
        org 0x7C00

        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7C00
        sti
        cld
        mov si, 1                       ; sector counted from the start of an 18-sector track
        mov bx, 0x8000
load:   mov ax, si
        mov cl, 18
        div cl                          ; AL = track, AH = sector
        mov cl, ah
        inc cl
        mov ch, al
        shr ch, 1
        mov dh, al
        and dh, 1
        mov dl, 0
        xor ax, ax
        mov es, ax
        mov ax, 0x0201
        int 0x13
        jc load
        add bx, 512
        inc si
        cmp si, 63
        jb load
        jmp 0:0x8000

        times 510 - ($ - $$) db 0
        dw 0xAA55
