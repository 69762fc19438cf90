; Checks of every service that can be read back. Prints one line for each failure, then "PASS n" or "FAIL n", on port E9h,
; and ends the machine through the debug-exit device at port F4h. Runs at 0:8000h from boot.asm.
; Assembled with -DQEMU it leaves out what QEMU's VGA lacks: the DAC mask register and working planar VBE modes.
        bits 16
        cpu 386
        org 0x8000

buffer  equ 0x6000                      ; segment of scratch memory

; check OPERAND, EXPECTED, "what it is": compares words (or bytes).
%macro check 3
        cmp %1, %2
        call judge
        jmp %%after
        db %3, 0
%%after:
%endmacro
; The same for a condition code: check_if z, "..."
%macro check_if 2
        j%1 %%good
        or sp, sp                       ; clears ZF
        jmp %%judge
%%good: cmp ax, ax
%%judge:
        call judge
        jmp %%after
        db %2, 0
%%after:
%endmacro
%macro video 1
        mov ax, %1
        int 0x10
%endmacro

start:  xor ax, ax
        mov ds, ax
        mov es, ax
        call standard_modes
        call cursor_and_teletype
        call scrolling
        call pixels
        call glyphs
        call palettes
        call fonts
        call information
        call state
        call vbe_information
        call vbe_modes
        call vbe_control
        call protected_mode_table
        video 0x0003
        mov si, text_pass
        cmp word [failures], 0
        je .report
        mov si, text_fail
.report:
        call print
        mov ax, [total]
        call print_number
        mov al, 10
        out 0xE9, al
        mov al, 0
        cmp word [failures], 0
        je .exit
        mov al, 1
.exit:  out 0xF4, al
.stop:  hlt
        jmp .stop

; ZF says whether it went well; what was checked stands behind the jump at the return address.
judge:  pushf
        inc word [total]
        popf
        je .good
        pusha
        inc word [failures]
        mov bp, sp
        mov bx, [bp + 16]
        mov si, bx
        add si, 2                       ; a short jump
        cmp byte [bx], 0xEB
        je .text
        inc si
.text:  call print
        mov si, text_at
        call print
        mov ax, [context]
        call print_number
        mov al, 10
        out 0xE9, al
        popa
.good:  ret

print:  lodsb
        or al, al
        jz .end
        out 0xE9, al
        jmp print
.end:   ret

print_number:
        mov cx, 4
.digit: rol ax, 4
        push ax
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        out 0xE9, al
        pop ax
        loop .digit
        ret

text_pass db "PASS ", 0
text_fail db "FAIL ", 0
text_at   db " at ", 0
failures  dw 0
total     dw 0
context   dw 0                          ; the mode under test, printed with a failure

; ---- every standard mode: BIOS data area, columns, cleared memory ----
; mode, columns, last row, character height, page size, segment, first word after clearing
mode_facts:
        dw 0x00, 40, 24, 16, 0x0800, 0xB800, 0x0720
        dw 0x01, 40, 24, 16, 0x0800, 0xB800, 0x0720
        dw 0x02, 80, 24, 16, 0x1000, 0xB800, 0x0720
        dw 0x03, 80, 24, 16, 0x1000, 0xB800, 0x0720
        dw 0x04, 40, 24,  8, 0x4000, 0xB800, 0
        dw 0x05, 40, 24,  8, 0x4000, 0xB800, 0
        dw 0x06, 80, 24,  8, 0x4000, 0xB800, 0
        dw 0x07, 80, 24, 16, 0x1000, 0xB000, 0x0720
        dw 0x0D, 40, 24,  8, 0x2000, 0xA000, 0
        dw 0x0E, 80, 24,  8, 0x4000, 0xA000, 0
        dw 0x0F, 80, 24, 14, 0x8000, 0xA000, 0
        dw 0x10, 80, 24, 14, 0x8000, 0xA000, 0
        dw 0x11, 80, 29, 16, 0xA000, 0xA000, 0
        dw 0x12, 80, 29, 16, 0xA000, 0xA000, 0
        dw 0x13, 40, 24,  8, 0x2000, 0xA000, 0
        dw 0xFFFF

standard_modes:
        mov si, mode_facts
.next:  cmp word [si], 0xFFFF
        je .end
        mov ax, [si]
        mov [context], ax
        int 0x10
        mov ah, 0x0F
        int 0x10
        check al, [si], "0Fh: mode"
        check ah, [si + 2], "0Fh: columns"
        check bh, 0, "0Fh: page"
        mov al, [0x484]
        check al, [si + 4], "484h: last row"
        mov ax, [0x485]
        check ax, [si + 6], "485h: character height"
        mov ax, [0x44C]
        check ax, [si + 8], "44Ch: page size"
        mov ax, [si + 10]
        mov es, ax
        mov ax, [es:0x3FE]
        check ax, [si + 12], "memory is cleared"
        mov word [es:0x3FE], 0x5A5A
        mov ax, [si]
        or al, 0x80
        int 0x10
        mov al, [es:0x3FE]
        check al, 0x5A, "bit 7 keeps memory"
        mov al, [0x487]
        and al, 0x80
        check al, 0x80, "487h bit 7"
        mov ax, [0x463]
        mov bx, 0x3D4
        cmp byte [si], 7
        je .mono
        cmp byte [si], 0x0F
        jne .port
.mono:  mov bx, 0x3B4
.port:  check ax, bx, "463h: CRTC port"
        add si, 14
        jmp .next
.end:   video 0x0003
        mov ax, [0x410]
        and ax, 0x30
        check ax, 0x20, "equipment word is back to color"
        ; a mode that does not exist changes nothing
        video 0x0009
        mov al, [0x449]
        check al, 3, "unknown mode is ignored"
        ret

; ---- cursor, teletype, pages ----
cursor_and_teletype:
        mov word [context], 3
        video 0x0003
        mov ax, 0xB800
        mov es, ax
        mov ah, 3
        mov bh, 0
        int 0x10
        check cx, 0x0607, "03h: cursor shape after mode set"
        mov dx, 0x3D4
        mov al, 0x0A
        out dx, al
        inc dx
        in al, dx
        and al, 0x1F
        check al, 0x0D, "the cursor's first line is emulated"
        mov cx, 0x2000
        mov ah, 1
        int 0x10
        dec dx
        mov al, 0x0A
        out dx, al
        inc dx
        in al, dx
        and al, 0x20
        check al, 0x20, "2000h hides the cursor"
        mov cx, 0x0007
        mov ah, 1
        int 0x10
        dec dx
        mov al, 0x0A
        out dx, al
        inc dx
        in al, dx
        check al, 0, "a block cursor begins at line 0"
        mov al, 0x0B
        dec dx
        out dx, al
        inc dx
        in al, dx
        check al, 0x0F, "a block cursor ends at line 15"
        mov cx, 0x0607
        mov ah, 1
        int 0x10
        mov dx, 0x184F                  ; last cell
        mov bh, 0
        mov ah, 2
        int 0x10
        mov dx, 0x3D4
        mov al, 0x0F
        out dx, al
        inc dx
        in al, dx
        check al, (24 * 80 + 79) & 0xFF, "CRTC cursor address"
        mov word [es:160], 0x1E41       ; moves up by one line
        mov byte [es:24 * 160 + 159], 0x2F
        video 0x0E58                    ; 'X' in the last cell wraps and scrolls
        mov ax, [es:0]
        check ax, 0x1E41, "teletype scrolls at the last cell"
        mov ax, [es:23 * 160 + 158]
        check ax, 0x2F58, "teletype keeps the attribute"
        mov ah, 3
        mov bh, 0
        int 0x10
        check dx, 0x1800, "teletype wraps to the next row"
        video 0x0E08
        video 0x0E41
        video 0x0E0D
        video 0x0E42
        mov al, [es:24 * 160]
        check al, 'B', "carriage return"
        ; pages
        video 0x0502
        mov ax, [0x44E]
        check ax, 0x2000, "05h: page start"
        mov al, [0x462]
        check al, 2, "05h: page"
        mov dx, 0x3D4
        mov al, 0x0C
        out dx, al
        inc dx
        in al, dx
        check al, 0x10, "05h: CRTC start"
        mov dx, 0x0305
        mov bh, 1
        mov ah, 2
        int 0x10
        mov cx, 3
        mov bx, 0x014E
        video 0x0951                    ; 'Q' three times on page 1
        mov ax, [es:0x1000 + 3 * 160 + 14]
        check ax, 0x4E51, "09h on another page"
        mov bh, 1
        mov ah, 8
        int 0x10
        check ax, 0x4E51, "08h on another page"
        mov cx, 1
        mov bx, 0x0100
        video 0x0A52
        mov ax, [es:0x1000 + 3 * 160 + 10]
        check ax, 0x4E52, "0Ah keeps the attribute"
        video 0x0500
        ; strings
        push es
        push ds
        pop es
        mov bp, .string
        mov cx, 4
        mov bx, 0x001F
        mov dx, 0x0A14
        video 0x1301
        mov bp, .pairs
        mov cx, 2
        mov bx, 0x0000
        mov dx, 0x0C00
        video 0x1302
        pop es
        mov ax, [es:10 * 160 + 0x14 * 2]
        check ax, 0x1F61, "13h AL=1: character and attribute"
        mov ax, [es:11 * 160]
        check ax, 0x1F62, "13h follows CR and LF"
        mov ax, [es:12 * 160 + 2]
        check ax, 0x3344, "13h AL=2: attributes in the string"
        mov ah, 3
        mov bh, 0
        int 0x10
        check dx, 0x0B01, "13h AL=1 moves the cursor, AL=2 does not"
        ret
.string db "a", 13, 10, "b"
.pairs  db "C", 0x22, "D", 0x33

; ---- scrolling ----
scrolling:
        video 0x0003
        mov ax, 0xB800
        mov es, ax
        mov word [es:5 * 160 + 20], 0x0731
        mov word [es:5 * 160 + 60], 0x0732
        mov ax, 0x0601
        mov bh, 0x17
        mov cx, 0x0208
        mov dx, 0x0A14
        int 0x10
        mov ax, [es:4 * 160 + 20]
        check ax, 0x0731, "06h moves what is inside"
        mov ax, [es:5 * 160 + 60]
        check ax, 0x0732, "06h leaves what is outside"
        mov ax, [es:10 * 160 + 20]
        check ax, 0x1720, "06h fills with the attribute"
        mov ax, 0x0702
        mov bh, 0x27
        int 0x10
        mov ax, [es:6 * 160 + 20]
        check ax, 0x0731, "07h moves down"
        mov ax, [es:3 * 160 + 20]
        check ax, 0x2720, "07h fills above"
        mov ax, 0x0600
        mov bh, 0x4E
        mov cx, 0
        mov dx, 0xFFFF
        int 0x10
        mov ax, [es:24 * 160 + 158]
        check ax, 0x4E20, "06h AL=0 clears, corners are cut to the screen"
        ; graphics: a pixel moves with its row
        mov si, scroll_modes
.next:  movzx ax, byte [si]
        inc si
        cmp al, 0xFF
        je .end
        mov [context], ax
        int 0x10
        mov bh, 0
        mov cx, 21
        mov dx, [0x485]
        add dx, dx                      ; first line of row 2
        mov ax, 0x0C01
        int 0x10
        push dx
        mov ax, 0x0601
        mov bh, 0
        mov cx, 0x0000
        mov dx, 0x1827
        int 0x10
        pop dx
        mov cx, 21
        mov bh, 0
        mov ah, 0x0D
        int 0x10
        check al, 0, "06h in graphics: the old place is empty"
        sub dx, [0x485]
        mov ah, 0x0D
        int 0x10
        check al, 1, "06h in graphics: the pixel moved up"
        push dx
        mov ax, 0x0702
        mov cx, 0x0000
        mov dx, 0x1827
        int 0x10
        pop dx
        mov cx, 21
        mov bh, 0
        add dx, [0x485]
        add dx, [0x485]
        mov ah, 0x0D
        int 0x10
        check al, 1, "07h in graphics: the pixel moved down"
        jmp .next
.end:   ret
scroll_modes db 0x04, 0x06, 0x0D, 0x0E, 0x10, 0x11, 0x12, 0x13, 0xFF

; ---- pixels ----
pixel_facts:                            ; mode, color, x, y
        dw 0x04, 2, 319, 199
        dw 0x06, 1, 639, 199
        dw 0x0D, 11, 319, 199
        dw 0x0E, 5, 639, 199
        dw 0x0F, 1, 639, 349
        dw 0x10, 14, 639, 349
        dw 0x11, 1, 639, 479
        dw 0x12, 9, 639, 479
        dw 0x13, 200, 319, 199
        dw 0xFFFF
pixels: mov si, pixel_facts
.next:  cmp word [si], 0xFFFF
        je .end
        mov ax, [si]
        mov [context], ax
        int 0x10
        mov bh, 0
        mov cx, [si + 4]
        mov dx, [si + 6]
        mov ah, 0x0C
        mov al, [si + 2]
        int 0x10
        mov ah, 0x0D
        int 0x10
        check al, [si + 2], "0Dh reads what 0Ch wrote"
        dec cx
        mov ah, 0x0D
        int 0x10
        check al, 0, "0Ch leaves its neighbour"
        inc cx
        cmp byte [si], 0x13
        je .no_xor
        mov ah, 0x0C
        mov al, [si + 2]
        or al, 0x80
        int 0x10
        mov ah, 0x0D
        int 0x10
        check al, 0, "0Ch with bit 7 is XOR"
.no_xor:
        add si, 8
        jmp .next
.end:   ret

; ---- glyphs in graphics modes are read back as characters ----
glyph_modes db 0x04, 0x05, 0x06, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0xFF
glyphs: mov si, glyph_modes
.next:  movzx ax, byte [si]
        inc si
        cmp al, 0xFF
        je .end
        mov [context], ax
        int 0x10
        mov di, .characters
.glyph: mov al, [di]
        inc di
        or al, al
        jz .next
        push ax
        mov bx, 0
        mov dx, 0x0709
        mov ah, 2
        int 0x10
        pop ax
        push ax
        mov ah, 9
        mov bx, 0x0001
        mov cx, 2
        int 0x10
        mov bh, 0
        mov ah, 8
        int 0x10
        pop bx
        check al, bl, "08h reads the glyph that 09h drew"
        ; drawing it again with XOR leaves nothing
        cmp byte [context], 0x13
        je .glyph
        mov al, bl
        mov ah, 9
        mov bx, 0x0081
        mov cx, 2
        int 0x10
        mov bh, 0
        mov ah, 8
        int 0x10
        check al, 0, "09h with bit 7 is XOR"
        jmp .glyph
.end:   ret
.characters db "AgW", 0x80, 0xE1, 0

; ---- palette registers and DAC ----
palettes:
        mov word [context], 3
        video 0x0003
        mov bx, 0x2B05
        video 0x1000
        mov bx, 0x0005
        video 0x1007
        check bh, 0x2B, "1007h reads what 1000h set"
        mov bx, 0x0900
        video 0x1001
        video 0x1008
        check bh, 9, "1008h reads what 1001h set"
        mov ax, buffer
        mov es, ax
        mov dx, 0
        video 0x1009
        mov al, [es:5]
        check al, 0x2B, "1009h: register 5"
        mov al, [es:16]
        check al, 9, "1009h: overscan"
        mov byte [es:5], 5
        mov byte [es:16], 0
        video 0x1002
        mov bx, 5
        video 0x1007
        check bh, 5, "1002h sets all"
        mov bx, 0
        video 0x1003
        mov bx, 0x0010
        video 0x1007
        and bh, 8
        check bh, 0, "1003h BL=0: no blinking"
        mov bx, 1
        video 0x1003
        mov bx, 0x0010
        video 0x1007
        and bh, 8
        check bh, 8, "1003h BL=1: blinking"
        mov bx, 0x50
        mov dh, 0x11
        mov cx, 0x2233
        video 0x1010
        mov dh, 0
        mov cx, 0
        video 0x1015
        check dh, 0x11, "1015h: red"
        check cx, 0x2233, "1015h: green and blue"
        mov bx, 0x4F
        mov cx, 3
        mov dx, 0x100
        video 0x1017
        mov ax, [es:0x103]
        check ax, 0x2211, "1017h reads a block"
        mov bx, 0x60
        video 0x1012
        mov bx, 0x61
        video 0x1015
        check cx, 0x2233, "1012h writes a block"
        mov bx, 0x60
        mov cx, 2
        video 0x101B
        mov bx, 0x61
        video 0x1015
        ; 30 % of 11h, 59 % of 22h, 11 % of 33h
        check cl, ch, "101Bh: grey"
        check cl, 31, "101Bh: luminance"
        mov bx, 0x0F
        video 0x1018
        mov bx, 0
        video 0x1019
%ifndef QEMU
        check bl, 0x0F, "1019h: mask"
%endif
        mov bx, 0xFF
        video 0x1018
        mov bx, 0x0100
        video 0x1013
        mov bx, 0x0501
        video 0x1013
        video 0x101A
        check bx, 0x0501, "101Ah: 16 pages, page 5"
        mov bx, 0
        video 0x1013
        mov bx, 0x0201
        video 0x1013
        video 0x101A
        check bx, 0x0200, "101Ah: 4 pages, page 2"
        mov bx, 0x0001
        video 0x1013
        ; mode 13h's colors
        video 0x0013
        mov bx, 32
        video 0x1015
        check dh, 0, "mode 13h, color 32: red"
        check cx, 0x003F, "mode 13h, color 32: blue"
        mov bx, 33
        video 0x1015
        check dh, 16, "mode 13h, color 33: red"
        mov bx, 247
        video 0x1015
        check dh, 11, "mode 13h, color 247: red"
        check cx, 0x0C10, "mode 13h, color 247: green and blue"
        ; default palette loading can be turned off
        mov bx, 0x0031
        video 0x1201
        check al, 0x12, "1231h answers"
        mov bx, 3
        mov dh, 1
        mov cx, 0x0203
        video 0x1010
        video 0x0003
        mov bx, 3
        video 0x1015
        check cx, 0x0203, "1231h: mode set keeps the DAC"
        mov bx, 0x0031
        video 0x1200
        video 0x0003
        mov bx, 3
        video 0x1015
        check cx, 0x2A2A, "mode set loads the DAC"
        ; mode 4's color sets
        video 0x0004
        mov bx, 0x0100
        video 0x0B00
        mov bx, 1
        video 0x1007
        check bh, 0x12, "0Bh BH=1 BL=0: green"
        mov bx, 0x0101
        video 0x0B00
        mov bx, 1
        video 0x1007
        check bh, 0x13, "0Bh BH=1 BL=1: cyan"
        mov al, [0x466]
        and al, 0x20
        check al, 0x20, "466h bit 5"
        ret

; ---- fonts ----
fonts:  mov word [context], 3
        video 0x0003
        mov bh, 6
        video 0x1130
        check cx, 16, "1130h: character height"
        check dl, 24, "1130h: last row"
        mov si, .sizes
.rom:   mov bh, [si]
        cmp bh, 0xFF
        je .loaded
        video 0x1130
        mov ax, es
        check ax, 0xC000, "1130h: ROM font"
        inc si
        jmp .rom
.loaded:
        ; plane 2 holds the 8x16 font
        mov bh, 6
        video 0x1130
        call plane2
        mov ax, [es:bp + 'A' * 16 + 4]
        push ds
        mov dx, 0xA000
        mov ds, dx
        mov dx, ['A' * 32 + 4]
        pop ds
        check ax, dx, "plane 2 has the ROM font"
        call plane0
        mov bx, 0
        video 0x1112
        mov al, [0x484]
        check al, 49, "1112h: 50 rows"
        mov ax, [0x485]
        check ax, 8, "1112h: 8 lines a character"
        mov dx, 0x3D4
        mov al, 9
        out dx, al
        inc dx
        in al, dx
        and al, 0x1F
        check al, 7, "1112h: CRTC register 9"
        mov bx, 0
        video 0x1111
        mov al, [0x484]
        check al, 27, "1111h: 28 rows"
        video 0x1114
        mov al, [0x484]
        check al, 24, "1114h: 25 rows"
        ; a glyph of our own in block 1
        push ds
        pop es
        mov bp, .glyph
        mov cx, 1
        mov dx, 'Z'
        mov bx, 0x1001
        video 0x1100
        call plane2
        mov ax, 0xA000
        mov es, ax
        mov al, [es:0x4000 + 'Z' * 32 + 15]
        check al, 0xA5, "1100h: block 1"
        call plane0
        mov bx, 4
        video 0x1103
        mov dx, 0x3C4
        mov al, 3
        out dx, al
        inc dx
        in al, dx
        check al, 4, "1103h: character map select"
        mov bx, 0
        video 0x1103
        ; 350 and 200 lines
        mov bx, 0x0030
        video 0x1201
        check al, 0x12, "1230h answers"
        video 0x0003
        mov ax, [0x485]
        check ax, 14, "1230h: 350 lines"
        mov bx, 0x0030
        video 0x1200
        video 0x0003
        mov ax, [0x485]
        check ax, 8, "1230h: 200 lines"
        mov bx, 0x0030
        video 0x1202
        video 0x0003
        mov ax, [0x485]
        check ax, 16, "1230h: 400 lines"
        ; graphics fonts
        video 0x0012
        mov bl, 0
        mov dl, 60
        video 0x1123
        mov al, [0x484]
        check al, 59, "1123h: rows"
        mov ax, [0x485]
        check ax, 8, "1123h: height"
        push ds
        pop es
        mov bp, 0x1234
        video 0x1120
        mov ax, [0x1F * 4]
        check ax, 0x1234, "1120h: INT 1Fh"
        mov bp, 0x4321
        mov cx, 9
        mov bl, 2
        video 0x1121
        mov ax, [0x43 * 4]
        check ax, 0x4321, "1121h: INT 43h"
        mov al, [0x484]
        check al, 24, "1121h: 25 rows"
        ; fonts from a save pointer table of our own
        les bx, [0x4A8]
        mov di, .table
        mov cx, 14
.copy:  mov ax, [es:bx]
        mov [di], ax
        add bx, 2
        add di, 2
        loop .copy
        mov word [.table + 8], .text_font
        mov word [.table + 12], .graphics_font
        mov word [.table + 4], .saved
        push dword [0x4A8]
        mov word [0x4A8], .table
        mov word [0x4AA], 0
        video 0x0003
        mov al, [0x484]
        check al, 39, "text font override: 40 rows"
        video 0x0012
        mov ax, [0x485]
        check ax, 12, "graphics font override: height"
        mov ax, [0x43 * 4]
        check ax, 0x7654, "graphics font override: INT 43h"
        mov bx, 0x3903
        video 0x1000
        mov al, [.saved + 3]
        check al, 0x39, "dynamic save area"
        pop dword [0x4A8]
        video 0x0003
        mov al, [0x484]
        check al, 24, "no override: 25 rows"
        ret
.table  times 28 db 0
.text_font db 10, 0
        dw 1, 'Z', .glyph, 0
        db 0xFF, 3, 0xFF
.graphics_font db 40
        dw 12, 0x7654, 0
        db 0x12, 0xFF
.saved  times 17 db 0
.sizes  db 2, 3, 4, 5, 6, 7, 0xFF
.glyph  db 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xA5

; Lets the CPU read plane 2 (and back to text).
plane2: push dx
        mov dx, 0x3C4
        mov ax, 0x0704
        out dx, ax
        mov dx, 0x3CE
        mov ax, 0x0204
        out dx, ax
        mov ax, 0x0005
        out dx, ax
        mov ax, 0x0406
        out dx, ax
        pop dx
        ret
plane0: push dx
        mov dx, 0x3C4
        mov ax, 0x0204
        out dx, ax
        mov dx, 0x3CE
        mov ax, 0x0004
        out dx, ax
        mov ax, 0x1005
        out dx, ax
        mov ax, 0x0E06
        out dx, ax
        pop dx
        ret

; ---- 12h, 1Ah, 1Bh ----
information:
        mov bl, 0x10
        video 0x1200
        check bx, 0x0003, "1210h: color, 256 KiB"
        check cl, 9, "1210h: switches"
        video 0x1A00
        check al, 0x1A, "1A00h answers"
        check bx, 0x0008, "1A00h: VGA with color display"
        mov bx, 0x0007
        video 0x1A01
        video 0x1A00
        check bx, 0x0007, "1A01h sets it"
        mov bx, 0x0008
        video 0x1A01
        mov ax, buffer
        mov es, ax
        mov di, 0x200
        mov bx, 0
        video 0x1B00
        check al, 0x1B, "1Bh answers"
        mov al, [es:0x204]
        check al, 3, "1Bh: mode"
        mov ax, [es:0x205]
        check ax, 80, "1Bh: columns"
        mov al, [es:0x222]
        check al, 25, "1Bh: rows"
        mov ax, [es:0x227]
        check ax, 16, "1Bh: colors"
        mov al, [es:0x229]
        check al, 8, "1Bh: pages"
        mov al, [es:0x22A]
        check al, 2, "1Bh: 400 lines"
        les di, [es:0x200]
        mov al, [es:di]
        check al, 0xFF, "1Bh: static table, modes 0-7"
        ; cursor emulation off
        mov bx, 0x0034
        video 0x1201
        mov cx, 0x0506
        mov ah, 1
        int 0x10
        mov dx, 0x3D4
        mov al, 0x0A
        out dx, al
        inc dx
        in al, dx
        check al, 5, "1234h AL=1: cursor shape as given"
        mov bx, 0x0034
        video 0x1200
        mov bx, 0x0036
        video 0x1201
        mov dx, 0x3C4
        mov al, 1
        out dx, al
        inc dx
        in al, dx
        and al, 0x20
        check al, 0x20, "1236h AL=1: screen off"
        mov bx, 0x0036
        video 0x1200
        in al, dx
        and al, 0x20
        check al, 0, "1236h AL=0: screen on"
        ret

; ---- 1Ch ----
state:  video 0x0012
        mov bx, 0
        mov cx, 7
        video 0x1C00
        check al, 0x1C, "1C00h answers"
        cmp bx, 0
        check_if nz, "1C00h: size"
        mov bx, 0x3F2A
        mov cx, 0
        mov bx, 7
        mov dh, 0x15
        mov cx, 0x1617
        video 0x1010
        mov ax, buffer
        mov es, ax
        mov bx, 0x400
        mov cx, 7
        video 0x1C01
        video 0x0003
        mov ax, buffer
        mov es, ax
        mov bx, 0x400
        mov cx, 7
        video 0x1C02
        mov al, [0x449]
        check al, 0x12, "1C02h: mode"
        mov bx, 7
        video 0x1015
        check cx, 0x1617, "1C02h: DAC"
        mov dx, 0x3C4
        mov al, 4
        out dx, al
        inc dx
        in al, dx
        check al, 6, "1C02h: memory mode"
        mov cx, 600
        mov dx, 400
        mov bh, 0
        mov ax, 0x0C0B
        int 0x10
        mov ah, 0x0D
        int 0x10
        check al, 0x0B, "1C02h: mode 12h works again"
        video 0x0003
        ret

; ---- VBE ----
vbe_information:
        mov word [context], 0x4F00
        mov ax, buffer
        mov es, ax
        mov di, 0x1000
        mov dword [es:di], 'VBE2'
        mov byte [es:di + 511], 0x77
        video 0x4F00
        check ax, 0x004F, "4F00h answers"
        cmp dword [es:0x1000], 'VESA'
        check_if e, "4F00h: VESA"
        mov ax, [es:0x1004]
        check ax, 0x0300, "4F00h: version"
        mov ax, [es:0x1012]
        cmp ax, 64
        check_if ae, "4F00h: memory"
        mov dword [es:0x1200], 'abcd'
        mov di, 0x1200
        mov byte [es:di + 256], 0x77
        video 0x4F00
        mov al, [es:0x1300]
        check al, 0x77, "4F00h without VBE2 writes 256 bytes"
        mov di, 0x1400
        mov cx, 0x1234
        video 0x4F01
        check ax, 0x014F, "4F01h refuses an unknown mode"
        mov bx, 0x0FFF
        video 0x4F02
        check ax, 0x014F, "4F02h refuses an unknown mode"
        mov ah, 0x4F
        mov al, 0x77
        int 0x10
        check ax, 0x0177, "an unknown VBE function"
        mov bx, 0
        video 0x4F15
        check ax, 0x004F, "4F15h answers"
        mov bx, 1
        mov cx, 0
        mov dx, 0
        mov di, 0x1800
        video 0x4F15
        check ax, 0x004F, "4F15h reads EDID"
        mov cx, 128
        mov al, 0
.sum:   add al, [es:di]
        inc di
        loop .sum
        check al, 0, "EDID checksum"
        ret

; Every mode in the list: information, set with and without linear framebuffer, banked memory, glyph read back.
vbe_modes:
        mov ax, buffer
        mov fs, ax
        mov di, 0x1000
        mov es, ax
        mov dword [es:di], 'VBE2'
        video 0x4F00
        lfs si, [es:0x100E]
.next:  mov cx, [fs:si]
        add si, 2
        cmp cx, 0xFFFF
        je .end
        mov [context], cx
        inc word [.count]
        mov ax, buffer
        mov es, ax
        mov di, 0x1400
        video 0x4F01
        check ax, 0x004F, "4F01h answers"
        mov al, [es:0x1400]
        and al, 0x0F
        check al, 0x0F, "4F01h: attributes"
        mov bx, cx
        video 0x4F02
        check ax, 0x004F, "4F02h answers"
        video 0x4F03
        check bx, [context], "4F03h: the mode that was set"
        test byte [es:0x1400], 0x10
        jz .text
        call .draw
        test byte [es:0x1400], 0x80
        jz .next
        cmp dword [es:0x1428], 0x1000000
        check_if a, "4F01h: framebuffer address"
        mov bx, [context]
        or bx, 0x4000
        video 0x4F02
        check ax, 0x004F, "4F02h with linear framebuffer"
        video 0x4F03
        mov ax, [context]
        or ax, 0x4000
        check bx, ax, "4F03h: bit 14"
        jmp .next
.text:  mov ah, 0x0F
        int 0x10
        check ah, [es:0x1412], "0Fh: columns of a VBE text mode"
        mov al, [0x484]
        inc al
        check al, [es:0x1414], "484h: rows of a VBE text mode"
        jmp .next
.end:   cmp word [.count], 60
        check_if a, "more than 60 modes"
        ret
.count  dw 0
; Writes a glyph and a pixel in the last row and reads them back; the last line is in another bank in most modes.
.draw:
%ifdef QEMU
        cmp byte [es:0x1419], 4
        je .done
%endif
        mov dh, [0x484]
        mov dl, 3
        mov bh, 0
        mov ah, 2
        int 0x10
        mov ah, 9
        mov al, 'k'
        mov bx, 0x000F
        mov cx, 1
        int 0x10
        mov bh, 0
        mov ah, 8
        int 0x10
        check al, 'k', "VBE: 08h reads what 09h drew"
        cmp byte [es:0x1419], 8
        ja .bank
        mov cx, [es:0x1412]
        dec cx
        mov dx, [es:0x1414]
        dec dx
        mov ax, 0x0C0D
        int 0x10
        mov ah, 0x0D
        int 0x10
        check al, 0x0D, "VBE: 0Dh reads what 0Ch wrote"
.bank:  mov ax, 0x0601
        mov bh, 0
        mov cx, 0
        mov dl, 79
        mov dh, [0x484]
        cmp word [es:0x1410], 640
        jbe .scroll
        jmp .window                     ; scrolling the largest screens takes long
.scroll:
        int 0x10
        mov dh, [0x484]
        dec dh
        mov dl, 3
        mov bh, 0
        mov ah, 2
        int 0x10
        mov ah, 8
        int 0x10
        check al, 'k', "VBE: 06h moves a glyph up"
.window:
        mov bx, 0
        mov dx, 1
        video 0x4F05
        check ax, 0x004F, "4F05h sets the window"
        mov ax, 0xA000
        mov gs, ax
        mov byte [gs:0x123], 0x99
        mov dx, 0
        call far [es:0x140C]
        mov byte [gs:0x123], 0x11
        mov dx, 7
        mov bx, 0x0100
        video 0x4F05
        check dx, 0, "4F05h reads the window"
        mov dx, 1
        mov bx, 0
        call far [es:0x140C]
        cmp byte [es:0x1419], 4
        je .done
        mov al, [gs:0x123]
        check al, 0x99, "banks are apart"
.done:  mov bx, 0
        mov dx, 0x4000
        video 0x4F05
        check ax, 0x014F, "4F05h refuses a bank outside of memory"
        ret

vbe_control:
        mov word [context], 0x103
        mov bx, 0x4103
        video 0x4F02
        mov bl, 1
        video 0x4F06
        check bx, 800, "4F06h: bytes"
        check cx, 800, "4F06h: pixels"
        mov bl, 0
        mov cx, 1021
        video 0x4F06
        check cx, 1024, "4F06h rounds up"
        cmp dx, 4096
        check_if ae, "4F06h: lines"
        mov bl, 3
        video 0x4F06
        check ax, 0x004F, "4F06h: maximum"
        mov bx, 0
        mov cx, 16
        mov dx, 700
        video 0x4F07
        check ax, 0x004F, "4F07h answers"
        mov bx, 1
        video 0x4F07
        check cx, 16, "4F07h: pixel"
        check dx, 700, "4F07h: line"
        mov bx, 0
        mov cx, 0
        mov dx, 0xF000
        video 0x4F07
        check ax, 0x014F, "4F07h refuses what is outside of memory"
        mov bx, 0x0800
        video 0x4F08
        check bh, 8, "4F08h: 8 bits"
        mov ax, buffer
        mov es, ax
        mov di, 0x1A00
        mov dword [es:di], 0x00AABBCC
        mov dword [es:di + 4], 0x00010203
        mov bx, 0
        mov cx, 2
        mov dx, 0xFE
        video 0x4F09
        check ax, 0x004F, "4F09h answers"
        mov dword [es:di], 0
        mov bx, 1
        video 0x4F09
        mov ax, [es:di]
        check ax, 0xBBCC, "4F09h: green and blue"
        mov al, [es:di + 2]
        check al, 0xAA, "4F09h: red"
        mov bx, 0x0600
        video 0x4F08
        check bh, 6, "4F08h: 6 bits"
        ; state
        mov dx, 0
        mov cx, 0x0F
        video 0x4F04
        check ax, 0x004F, "4F04h answers"
        mov dx, 1
        mov cx, 0x0F
        mov bx, 0x2000
        video 0x4F04
        video 0x0003
        mov dx, 2
        mov cx, 0x0F
        mov bx, 0x2000
        video 0x4F04
        video 0x4F03
        check bx, 0xC103, "4F04h: the mode comes back"
        mov bx, 1
        video 0x4F06
        check cx, 1024, "4F04h: line length comes back"
        mov bx, 1
        video 0x4F07
        check dx, 700, "4F04h: display start comes back"
        mov bx, 0x0401
        video 0x4F10
        mov bx, 2
        video 0x4F10
        check bh, 4, "4F10h: off"
        mov bx, 1
        video 0x4F10
        mov bx, 3
        video 0x4F02
        check ax, 0x004F, "4F02h sets standard modes"
        video 0x4F03
        check bx, 3, "4F03h: standard mode"
        mov bx, 0
        video 0x4F05
        check ax, 0x034F, "4F05h outside of VBE modes"
        ret

; The protected-mode interface: copied elsewhere, run in 32-bit code, its effects read through INT 10h.
protected_mode_table:
        mov word [context], 0x110
        mov bx, 0x0110                  ; 640x480, 2 bytes a pixel
        video 0x4F02
        mov bx, 0
        video 0x4F0A
        check ax, 0x004F, "4F0Ah answers"
        mov bx, di
        add bx, [es:di + 6]
        mov ax, [es:bx]
        check ax, 0x1CE, "4F0Ah: ports"
        cmp cx, 64
        check_if a, "4F0Ah: length"
        push ds
        push es
        pop ds
        mov si, di
        mov ax, buffer
        mov es, ax
        xor di, di
        rep movsb
        pop ds
        mov dword [es:0x3000], 0x00112233
        mov word [.function], 0
        mov bx, 0
        mov dx, 3
        call .run
        mov bx, 0x0100
        video 0x4F05
        check dx, 3, "protected mode: window"
        mov word [.function], 2
        mov bx, 0
        mov dx, 1                       ; 10080h doublewords: 40200h bytes are line 205, pixel 128
        mov cx, 0x0080
        call .run
        mov bx, 1
        video 0x4F07
        check cx, 128, "protected mode: display start, pixel"
        check dx, 205, "protected mode: display start, line"
        mov word [.function], 4
        mov bx, 0
        mov dx, 9
        mov cx, 1
        mov edi, 0x3000
        call .run
        mov bx, 9
        video 0x1015
        check dh, 0x11, "protected mode: palette, red"
        check cx, 0x2233, "protected mode: palette, green and blue"
        video 0x0003
        ret
.function dw 0

; Calls a function of the interface in 32-bit protected mode with interrupts off. ES:EDI is in the buffer there.
.run:   pushad
        cli
        mov [.stack], sp
        lgdt [.gdt]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x08:.protected
        bits 32
.protected:
        mov ax, 0x18
        mov ds, ax
        mov ss, ax
        mov ax, 0x20
        mov es, ax
        mov esp, 0x7000
        movzx esi, word [.function]
        movzx esi, word [buffer * 16 + esi]
        mov eax, esi
        add eax, buffer * 16
        call eax
        mov ax, 0x28
        mov ds, ax
        mov es, ax
        mov ss, ax
        jmp 0x10:.real_limits
        bits 16
.real_limits:
        mov eax, cr0
        and al, 0xFE
        mov cr0, eax
        jmp 0:.real
.real:  xor ax, ax
        mov ds, ax
        mov ss, ax
        mov ax, buffer
        mov es, ax
        movzx esp, word [.stack]
        sti
        popad
        ret
.stack  dw 0
.gdt    dw .gdt_end - .descriptors - 1
        dd .descriptors
.descriptors:
        dq 0
        dq 0x00CF9A000000FFFF           ; 08h: code, 32 bits
        dq 0x00009A000000FFFF           ; 10h: code, 16 bits
        dq 0x00CF92000000FFFF           ; 18h: data
        dq 0x00CF92060000FFFF           ; 20h: the buffer
        dq 0x000092000000FFFF           ; 28h: data with real mode's limit
.gdt_end:

        times 31744 - ($ - $$) db 0
