/* history - what was called, what ran and what the callers were told, in a file that all
 * of them map: what a process wrote there outlives it.
 *
 *   struct history             who plays, and the rules
 *   struct history_line [n]    calls of one line are made one after the other
 *   struct history_call []     per_line of them for each line
 *
 * The id of a call is its index in the last table.  A line belongs to a thread of a
 * caller; when the caller is killed the next life of the line goes on behind the last
 * call that was begun.
 *
 * Ownership   The mapping lasts as long as the process.
 * Threads     entered and left are the callees'; the rest of a call, and its line, are
 *             the line's thread's.  life is written last when a call begins, told last
 *             when it is over. */
#ifndef RH_TESTS_SOAK_HISTORY_H
#define RH_TESTS_SOAK_HISTORY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_MAGIC      0x59524f5453494831ull
#define HISTORY_LINES_MAX  256u
#define HISTORY_CALLS_MAX  (1u << 24)

/* How often the body of a call may run. */
enum history_kind {
	HISTORY_ONCE,      /* once at most                                          */
	HISTORY_IDEMPOTENT,/* more than once                                        */
	HISTORY_REPLAYED,  /* again for each new instance, once the caller was told */
	HISTORY_KINDS
};

/* What the caller was told. */
enum history_told {
	HISTORY_UNTOLD, HISTORY_SUCCESS, HISTORY_SURELY_NOT, HISTORY_MAYBE,
	HISTORY_DROPPED, /* nothing: it gave the ticket back unasked */
	HISTORY_TOLDS
};

struct history_call {
	_Atomic uint32_t entered;  /* bodies that began             */
	_Atomic uint32_t left;     /* bodies that came to their end */
	_Atomic uint32_t life;     /* of the line; 0: never made    */
	_Atomic uint32_t told;     /* enum history_told             */
	uint32_t         kind;     /* enum history_kind             */
	int32_t          code;     /* of a call that failed         */
	uint64_t         expected;
	uint64_t         got;
	uint64_t         began;    /* monotonic ns                  */
	uint64_t         ended;
};

struct history_line {
	_Atomic uint32_t life;     /* the present one, from 1       */
	_Atomic uint32_t ended;    /* the life that made every call */
	_Atomic uint32_t next;     /* calls begun                   */
	uint32_t         reserved;
};

struct history {
	uint64_t         magic;
	uint32_t         lines;
	uint32_t         per_line;
	uint64_t         deadline_ns; /* of each call                   */
	_Atomic uint64_t strays;      /* bodies with an id out of range */
	struct history_line line[HISTORY_LINES_MAX];
	struct history_call call[];
};

_Static_assert(sizeof(struct history_call) == 56, "the runner reads it");
_Static_assert(sizeof(struct history_line) == 16, "the runner reads it");
_Static_assert(offsetof(struct history, line) == 32, "the runner reads it");

size_t history_bytes(uint32_t lines, uint32_t per_line);

/* Makes the file; NULL with errno when that fails, or it is too large. */
struct history *history_create(const char *path, uint32_t lines, uint32_t per_line,
                               uint64_t deadline_ns);

/* Maps what history_create made; NULL with errno when it is none. */
struct history *history_open(const char *path);

/* The body of a call begins, and takes its time; it ends. */
void history_enter(struct history *history, uint64_t id);
void history_leave(struct history *history, uint64_t id);

#endif
