// The walk over changing page tables. What the manual determines (SDM 3A 4.7, 4.8, 4.10) is checked against it; the rest
// goes into the checksum only where it is determined by what came before.
#include "kernel.h"

// Pages of the shared and of the private tables that the walk uses; the first frames are the code walk's.
enum { PAGES = 64, TAGGED = 128 };
#define SPLIT_TABLE SPARE_TABLES
#define OTHER_TABLE (SPARE_TABLES + 0x1000)
#define NEW_TABLE (SPARE_TABLES + 0x2000)
#define NEW_AREA 0x90000000

static u32 directory;  // the current one's number

static u32 frame_of(u32 n) { return FRAMES + 0x1000 * n; }
static u32 tag(u32 frame) { return frame * 2654435761u ^ 0x5A5A1234; }
static u32 entry_of(u32 linear) { return SELF + (linear >> 12) * 4; }
static u32 directory_entry_of(u32 linear) { return 0xFFFFF000 + (linear >> 22) * 4; }

static void flush(u32 linear) {
  if (one_in(2)) invlpg(linear);
  else reload_cr3();
}

static u32 switch_to(u32 number) {
  const u32 before = directory;
  directory = number;
  WRITE_CR(3, DIRECTORIES + 0x1000 * number);
  return before;
}

// The access routines, called so that a fault is a result.
static void __attribute__((naked)) read_code(void) { __asm__("mov (%ecx), %eax\n ret"); }
static void __attribute__((naked)) write_code(void) { __asm__("mov %eax, 8(%ecx)\n ret"); }

static u32 read(u32 linear, int user) {
  return (user ? call_user : call_kernel)((u32)read_code, 0, linear);
}
static void write(u32 linear, u32 value, int user) {
  (user ? call_user : call_kernel)((u32)write_code, value, linear);
}

static void expect_read(const char* what, u32 linear, u32 value, int user) {
  const u32 got = read(linear, user);
  expect(what, caught, (u32)NONE);
  if (caught == (u32)NONE) expect(what, got, value);
}
static void expect_fault(const char* what, u32 error, u32 address) {
  expect(what, caught, PF);
  if (caught != PF) return;
  expect(what, caught_error, error);
  expect(what, caught_address, address);
}

static u32 some_page(void) { return (one_in(2) ? SHARED : PRIVATE) + 0x1000 * below(PAGES); }

// Any change of one entry, flushed, means what it says.
static void change_entry(void) {
  const u32 linear = some_page(), frame = frame_of(below(TAGGED));
  const u32 bits = random_u32() & (P | W | U), user = below(2);
  poke(entry_of(linear), frame | bits);
  flush(linear);
  if ((bits & P) && (!user || (bits & U))) expect_read("changed entry", linear, tag(frame), (int)user);
  else read(linear, (int)user), expect_fault("changed entry", (bits & P ? 1 : 0) | user * 4, linear);
  write(linear, random_u32(), (int)user);
  if ((bits & (P | W)) == (P | W) && (!user || (bits & U))) expect("written through a changed entry", caught, (u32)NONE);
  else expect_fault("write through a changed entry", (bits & P ? 1 : 0) | 2 | user * 4, linear + 8);
}

// More rights need no flush (SDM 3A 4.10.4.3).
static void grant_without_flush(void) {
  const u32 linear = some_page(), frame = frame_of(below(TAGGED));
  poke(entry_of(linear), frame);
  flush(linear);
  read(linear, 0);
  expect_fault("not present", 0, linear);
  poke(entry_of(linear), frame | P | U);
  expect_read("present without a flush", linear, tag(frame), (int)below(2));
  write(linear, 1, 0);
  expect_fault("write to a read-only page", 3, linear + 8);
  write(linear, 1, 1);
  expect_fault("user's write to a read-only page", 7, linear + 8);
  poke(entry_of(linear), frame | PWU);
  const u32 value = random_u32();
  write(linear, value, (int)below(2));
  expect("writable without a flush", caught, (u32)NONE);
  expect("written without a flush", peek(frame + 8), value);
}

// A is set by the first access after a flush, D by the first write.
static void age(void) {
  const u32 linear = some_page(), frame = frame_of(below(TAGGED));
  poke(entry_of(linear), frame | PWU);
  flush(linear);
  expect("fresh entry", peek(entry_of(linear)), frame | PWU);
  expect_read("aged page", linear, tag(frame), 0);
  expect("A after a read", peek(entry_of(linear)), frame | PWU | A);
  write(linear, 3, 0);
  expect("D after a write", peek(entry_of(linear)), frame | PWU | A | D);
  // Without a flush they may stay clear, and nothing else may happen.
  poke(entry_of(linear), frame | PWU);
  expect_read("entry aged without a flush", linear, tag(frame), 0);
  write(linear, 4, 0);
  expect("written though aged", peek(frame + 8), 4);
  expect("entry aged without a flush", peek(entry_of(linear)) & ~(u32)(A | D), frame | PWU);
  poke(entry_of(linear), frame | PWU);
  flush(linear);
  write(linear, 5, 1);
  expect("A and D after a write", peek(entry_of(linear)), frame | PWU | A | D);
  poke(directory_entry_of(linear), peek(directory_entry_of(linear)) & ~(u32)A);
  reload_cr3();
  read(linear, 0);
  expect("A of a directory's entry", peek(directory_entry_of(linear)) & A, A);
}

// A page of the shared table is the same in all address spaces; a private one is each its own.
static void switch_spaces(void) {
  const u32 page = below(PAGES), frame = frame_of(below(TAGGED));
  const u32 first = below(DIRECTORY_COUNT);
  switch_to(first);
  poke(entry_of(SHARED + 0x1000 * page), frame | PWU);
  for (u32 d = 0; d < DIRECTORY_COUNT; ++d)
    poke(PRIVATE_TABLES + 0x1000 * d + 4 * page, frame_of((frame / 0x1000 + d) % TAGGED) | PWU);
  for (u32 n = 0; n < 2 * DIRECTORY_COUNT; ++n) {
    const u32 d = n < DIRECTORY_COUNT ? n : below(DIRECTORY_COUNT);
    switch_to(d);
    if (n == 0) invlpg(PRIVATE + 0x1000 * page), invlpg(SHARED + 0x1000 * page);
    expect_read("shared page", SHARED + 0x1000 * page, tag(frame), 0);
    expect_read("private page", PRIVATE + 0x1000 * page, tag(frame_of((frame / 0x1000 + d) % TAGGED)), (int)below(2));
    expect("self-map", peek(entry_of(PRIVATE + 0x1000 * page)) & ~(u32)(A | D),
           frame_of((frame / 0x1000 + d) % TAGGED) | PWU);
  }
}

// A directory's entry is pointed at another table, and back.
static void change_table(void) {
  const u32 page = below(PAGES), linear = PRIVATE + 0x1000 * page;
  const u32 a = frame_of(below(TAGGED)), b = frame_of(below(TAGGED)), own = PRIVATE_TABLES + 0x1000 * directory;
  poke(entry_of(linear), a | PWU);
  flush(linear);
  expect_read("own table", linear, tag(a), 0);
  poke(OTHER_TABLE + 4 * page, b | PWU);
  poke(directory_entry_of(linear), OTHER_TABLE | PWU);
  reload_cr3();
  expect_read("other table", linear, tag(b), 1);
  expect("other table by the self-map", peek(entry_of(linear)) & ~(u32)(A | D), b | PWU);
  poke(directory_entry_of(linear), own | (one_in(2) ? P | W : P | U));
  reload_cr3();
  const u32 bits = peek(directory_entry_of(linear));
  read(linear, 1);
  if (bits & U) expect("user's read by the directory's rights", caught, (u32)NONE);
  else expect_fault("directory without U", 5, linear);
  write(linear, 0, 0);
  if (bits & W) expect("write by the directory's rights", caught, (u32)NONE);
  else expect_fault("directory without W", 3, linear + 8);
  poke(directory_entry_of(linear), 0);
  reload_cr3();
  read(linear, 0);
  expect_fault("no table", 0, linear);
  poke(directory_entry_of(linear), own | PWU);  // not present before: no flush
  expect_read("table without a flush", linear, tag(a), 0);
}

// A table made by way of the self-map, as an OS grows its own.
static void grow(void) {
  const u32 linear = NEW_AREA + 0x1000 * below(1024), frame = frame_of(below(TAGGED));
  poke(directory_entry_of(NEW_AREA), NEW_TABLE | PWU);
  const u32 table = entry_of(NEW_AREA);
  for (u32 n = 0; n < 1024; ++n) poke(table + 4 * n, 0);
  poke(entry_of(linear), frame | PWU);
  expect_read("grown page", linear, tag(frame), 1);
  poke(directory_entry_of(NEW_AREA), 0);
  invlpg(table);
  flush(linear);
  if (one_in(2)) reload_cr3();
  read(table, 0);
  expect_fault("table of a shrunk area", 0, table);
  read(linear, 0);
  expect_fault("shrunk area", 0, linear);
}

// A large page, split into small ones of the same frames, one of which changes, and joined again.
static void split_and_join(void) {
  const u32 page = below(1024), linear = LARGE + 0x1000 * page, frame = LARGE_FRAME + 0x1000 * page;
  const u32 other = frame_of(below(TAGGED));
  poke(frame, tag(frame));
  poke(directory_entry_of(LARGE), LARGE_FRAME | PWU | BIG);
  reload_cr3();
  expect_read("large page", linear, tag(frame), (int)below(2));
  expect("A of a large page", peek(directory_entry_of(LARGE)), LARGE_FRAME | PWU | BIG | A);
  write(linear, 7, 0);
  expect("D of a large page", peek(directory_entry_of(LARGE)), LARGE_FRAME | PWU | BIG | A | D);
  for (u32 n = 0; n < 1024; ++n) poke(SPLIT_TABLE + 4 * n, (LARGE_FRAME + 0x1000 * n) | PWU);
  poke(SPLIT_TABLE + 4 * page, other | P | U);
  poke(directory_entry_of(LARGE), SPLIT_TABLE | PWU);
  if (one_in(2)) reload_cr3();
  else invlpg(linear), invlpg(entry_of(linear));
  expect_read("page of a split one", linear, tag(other), (int)below(2));
  write(linear, 7, 0);
  expect_fault("read-only page of a split one", 3, linear + 8);
  if (page != 0) {
    reload_cr3();
    poke(LARGE_FRAME + 0x1000 * (page - 1) + 8, 99);
    expect("neighbour of it", peek(linear - 0x1000 + 8), 99);
  }
  poke(directory_entry_of(LARGE), LARGE_FRAME | P | W | BIG);
  if (one_in(2)) reload_cr3();
  else for (u32 n = 0; n < 1024; ++n) invlpg(LARGE + 0x1000 * n);
  expect_read("joined page", linear, tag(frame), 0);
  read(linear, 1);
  expect_fault("supervisor's large page", 5, linear);
}

static void toggle_wp(void) {
  const u32 linear = some_page(), frame = frame_of(below(TAGGED));
  poke(entry_of(linear), frame | P | U);
  flush(linear);
  if (one_in(2)) read(linear, 0);
  WRITE_CR(0, READ_CR(0) & ~(u32)CR0_WP);
  const u32 value = random_u32();
  write(linear, value, 0);
  expect("supervisor's write without WP", caught, (u32)NONE);
  expect("written without WP", peek(frame + 8), value);
  write(linear, 1, 1);
  expect_fault("user's write without WP", 7, linear + 8);
  WRITE_CR(0, READ_CR(0) | CR0_WP);
  write(linear, 1, 0);
  expect_fault("supervisor's write with WP", 3, linear + 8);
}

// What is global outlives CR3, at the processor's choice, and never INVLPG nor a change of CR4.PGE.
static void toggle_global(void) {
  const u32 linear = SHARED + 0x1000 * below(PAGES), a = frame_of(below(TAGGED)), b = frame_of(below(TAGGED));
  poke(entry_of(linear), a | PWU | GLOBAL);
  invlpg(linear);
  expect_read("global page", linear, tag(a), 0);
  poke(entry_of(linear), b | PWU | GLOBAL);
  reload_cr3();
  const u32 stale = read(linear, 0);
  expect("stale global page", caught == (u32)NONE && (stale == tag(a) || stale == tag(b)), 1);
  switch (below(3)) {
    case 0: WRITE_CR(4, CR4_PSE); break;
    case 1: WRITE_CR(4, CR4_PSE), WRITE_CR(4, CR4_PSE | CR4_PGE); break;
    default: invlpg(linear);
  }
  expect_read("global page after a flush", linear, tag(b), 1);
  WRITE_CR(4, CR4_PSE | CR4_PGE);
  poke(entry_of(linear), b | PWU);
  invlpg(linear);
}

// Paging off and on, with and without PAE; the kernel stands where linear is physical.
static void toggle_paging(void) {
  const u32 linear = SHARED + 0x1000 * below(PAGES), frame = frame_of(below(TAGGED)), other = frame_of(below(TAGGED));
  const u32 pointers = PAE_TABLES, directories = PAE_TABLES + 0x1000, table = PAE_TABLES + 0x5000;
  poke(entry_of(linear), frame | PWU);
  invlpg(linear);
  expect_read("before the change", linear, tag(frame), 0);
  for (u32 n = 0; n < 4; ++n) poke(pointers + 8 * n, (directories + 0x1000 * n) | P), poke(pointers + 8 * n + 4, 0);
  for (u32 at = directories; at < table + 0x1000; at += 4) poke(at, 0);
  for (u32 n = 0; n < 16; ++n) poke(directories + 8 * n, n << 21 | PWU | BIG);
  poke(directories + 0x1000 + 8 * (SHARED >> 21 & 511), table | PWU);
  poke(table + 8 * (linear >> 12 & 511), other | PWU);
  WRITE_CR(0, READ_CR(0) & ~CR0_PG);
  expect("without paging", peek(frame), tag(frame));
  WRITE_CR(4, CR4_PSE | CR4_PGE | CR4_PAE);
  WRITE_CR(3, pointers);
  WRITE_CR(0, READ_CR(0) | CR0_PG);
  expect_read("with PAE", linear, tag(other), (int)below(2));
  expect("A with PAE", peek(table + 8 * (linear >> 12 & 511)), other | PWU | A);
  poke(table + 8 * (linear >> 12 & 511), frame | P);
  invlpg(linear);
  read(linear, 1);
  expect_fault("supervisor's page with PAE", 5, linear);
  expect_read("changed with PAE", linear, tag(frame), 0);
  WRITE_CR(0, READ_CR(0) & ~CR0_PG);
  WRITE_CR(4, CR4_PSE | CR4_PGE);
  WRITE_CR(3, DIRECTORIES + 0x1000 * directory);
  WRITE_CR(0, READ_CR(0) | CR0_PG);
  expect_read("after the change", linear, tag(frame), 1);
}

// More pages that stand alone than a host may have mappings.
static void touch_many(u32 count) {
  for (u32 n = 0; n < 120; ++n) poke(directory_entry_of(FAR + (n << 22)), (FAR_TABLES + 0x1000 * n) | PWU);
  for (u32 n = 0; n < count; ++n) poke(FAR_TABLES + 8 * n, frame_of(n % TAGGED) | PWU);
  reload_cr3();
  u32 sum = 0, wrong = 0;
  for (u32 n = 0; n < count; ++n) {
    const u32 linear = FAR + 0x2000 * n;
    poke(linear + 16, peek(linear + 16) + 1);
    const u32 value = peek(linear);
    sum += value ^ n;
    wrong += value != tag(frame_of(n % TAGGED));
  }
  mix(sum);
  expect("wrong ones of many pages", wrong, 0);
  expect("A and D of the last of many pages", peek(FAR_TABLES + 8 * (count - 1)) & (A | D), A | D);
  for (u32 n = 0; n < 120; ++n) poke(directory_entry_of(FAR + (n << 22)), 0);
  reload_cr3();
  for (u32 n = 0; n < TAGGED; ++n) mix(peek(frame_of(n) + 16));
}

void paging_begin(void) {
  for (u32 n = 0; n < FRAME_COUNT; ++n) poke(frame_of(n), tag(frame_of(n)));
  u32 at = FAR_TABLES, count = 120 * 1024;
  __asm__ volatile("rep stosl" : "+D"(at), "+c"(count) : "a"(0) : "memory");
}

void paging_step(u32 step) {
  mix(step);
  switch (below(14)) {
    case 0:
    case 1: change_entry(); break;
    case 2: grant_without_flush(); break;
    case 3: age(); break;
    case 4: switch_spaces(); break;
    case 5: change_table(); break;
    case 6: grow(); break;
    case 7: split_and_join(); break;
    case 8: toggle_wp(); break;
    case 9: toggle_global(); break;
    case 10: toggle_paging(); break;
    case 11: mix(switch_to(below(DIRECTORY_COUNT))); break;
    case 12:
      if (one_in(40)) touch_many(one_in(4) ? 60000 : 500 + below(2000));
      break;
    default: WRITE_CR(3, READ_CR(3)); break;
  }
}
