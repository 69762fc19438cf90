; A gallery to look at: every font and mode, one screen for each key press. Runs at 0:8000h from boot.asm.
        bits 16
        cpu 386
        org 0x8000

%macro video 1
        mov ax, %1
        int 0x10
%endmacro

start:  xor ax, ax
        mov ds, ax
        mov es, ax
        ; text with the three fonts
        video 0x0003
        call text_page
        video 0x0003
        mov bl, 0
        video 0x1111
        call text_page
        video 0x0003
        mov bl, 0
        video 0x1112
        call text_page
        video 0x0007
        call text_page
        mov si, graphics_modes
.next:  lodsb
        cmp al, 0xFF
        je .vbe
        xor ah, ah
        int 0x10
        call graphics_page
        jmp .next
.vbe:   mov si, vbe_modes
.mode:  lodsw
        cmp ax, 0xFFFF
        je start
        mov bx, ax
        video 0x4F02
        call graphics_page
        jmp .mode

graphics_modes db 0x04, 0x06, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0xFF
vbe_modes dw 0x100, 0x101, 0x103, 0x105, 0x110, 0x114, 0x118, 0x142, 0x109, 0x10A, 0x10C, 0x102, 0xFFFF

; All 256 characters in 8 rows of 32, some text, a frame in each style, all attributes.
text_page:
        mov bp, pangram
        call string
        mov dx, 0x0300
        xor bl, bl
.character:
        mov al, bl
        call put
        inc dl
        inc dl
        cmp dl, 64
        jb .same_row
        mov dl, 0
        inc dh
.same_row:
        inc bl
        jnz .character
        mov bp, frames
        call string
        xor bl, bl
        mov dx, 0x0D30
.attribute:
        push bx
        mov bh, 0
        mov ah, 2
        int 0x10
        mov al, 'x'
        mov cx, 1
        mov ah, 9
        int 0x10
        pop bx
        inc dl
        inc bl
        test bl, 15
        jnz .attribute
        mov dl, 0x30
        inc dh
        cmp dh, 0x15
        jb .attribute
        jmp key

; Text in several colors, lines and a ramp of pixels.
graphics_page:
        push si
        mov bp, pangram
        call string
        mov dx, 0x0200
        mov bl, 1
.line:  mov bh, 0
        mov ah, 2
        int 0x10
        mov cx, 4
        mov al, 'A'
        add al, bl
        mov ah, 9
        int 0x10
        add dl, 4
        cmp dl, 40
        jb .same
        mov dl, 0
        inc dh
.same:  inc bl
        cmp bl, 16
        jb .line
        mov bl, 0x87
        mov al, 'X'
        mov ah, 9
        mov cx, 10                      ; XOR upon what the last one left
        int 0x10
        mov dx, 100
.row:   mov cx, 0
.pixel: mov al, cl
        shr al, 1
        and al, 0x7F
        mov bh, 0
        mov ah, 0x0C
        int 0x10
        inc cx
        cmp cx, 256
        jb .pixel
        inc dx
        cmp dx, 116
        jb .row
        mov bp, frames_low
        call string
        pop si
        jmp key

; Zero-terminated string at BP, its position first; line feeds go on below the first column.
string: mov dx, [bp]
        add bp, 2
        mov bl, 7
        mov cl, dl
.next:  mov al, [bp]
        inc bp
        or al, al
        jz .end
        cmp al, 10
        je .line
        push cx
        push bx
        call put
        pop bx
        pop cx
        inc dl
        jmp .next
.line:  mov dl, cl
        inc dh
        jmp .next
.end:   ret

; AL at DX in attribute 7.
put:    pusha
        push ax
        mov bh, 0
        mov ah, 2
        int 0x10
        pop ax
        mov ah, 9
        mov bx, 7
        mov cx, 1
        int 0x10
        popa
        ret

key:    mov ah, 0
        int 0x16
        ret

pangram dw 0x0000
        db "Sphinx of black quartz, judge my vow! 0123456789", 10, "(a+b)*[c] {d} <e> $5 #6 50% &7 ", '"x"', " y@z |~^_`", 0
frames  dw 0x0D00
        db 218, 196, 194, 196, 191, " ", 201, 205, 203, 205, 187, " ", 213, 205, 209, 205, 184, " ", 214, 196, 210, 196, 183, 10
        db 179, "a", 179, "b", 179, " ", 186, "c", 186, "d", 186, " ", 179, "e", 179, "f", 179, " ", 186, "g", 186, "h", 186, 10
        db 195, 196, 197, 196, 180, " ", 204, 205, 206, 205, 185, " ", 198, 205, 216, 205, 181, " ", 199, 196, 215, 196, 182, 10
        db 179, 176, 179, 177, 179, " ", 186, 178, 186, 219, 186, " ", 179, 220, 179, 223, 179, " ", 186, 221, 186, 222, 186, 10
        db 192, 196, 193, 196, 217, " ", 200, 205, 202, 205, 188, " ", 212, 205, 207, 205, 190, " ", 211, 196, 208, 196, 189, 10
        db 219, 219, 220, 220, 223, 223, 176, 176, 177, 177, 178, 178, 244, 10
        db 219, 219, 220, 220, 223, 223, 176, 176, 177, 177, 178, 178, 245, 0
frames_low dw 0x1200
        db 201, 205, 205, 187, " Back to the roots", 10, 200, 205, 205, 188, " of the PC: 1981", 0

        times 31744 - ($ - $$) db 0
