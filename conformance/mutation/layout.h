// Selectors and addresses that assembler and C share. Below 32 MiB linear is physical.
#pragma once

#define KCODE 0x08
#define KDATA 0x10
#define UCODE 0x1B
#define UDATA 0x23
#define MAIN_TSS 0x28
#define RETURN_VECTOR 0x30

#define USER_STACK 0x3F0000
#define DIRECTORIES 0x400000  // eight of them
#define DIRECTORY_COUNT 8
#define IDENTITY_TABLES 0x410000  // eight
#define SHARED_TABLE 0x420000
#define PRIVATE_TABLES 0x430000  // one a directory
#define SPARE_TABLES 0x440000    // eight
#define PAE_TABLES 0x450000
#define FAR_TABLES 0x500000  // a hundred and twenty
#define FRAMES 0x800000      // 256 page frames
#define FRAME_COUNT 256
#define LARGE_FRAME 0xC00000  // 4 MiB

// Linear addresses.
#define SHARED 0x40000000   // by the shared table
#define PRIVATE 0x80000000  // by each directory's own
#define LARGE 0xC0000000
#define FAR 0x50000000   // isolated pages, every second one of 480 MiB
#define SELF 0xFFC00000  // the current directory's tables
