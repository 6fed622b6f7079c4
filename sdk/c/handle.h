/* handle - the caller's side of objects that stay in the callee.
 *
 * The program holds a pointer that points nowhere: a table index made to look
 * like a pointer outside the address space, so that a program that follows it
 * stops at once instead of reading something else.  Where programs are known to
 * look into the object, the pointer leads to a copy of the bytes they read.
 *
 * A handle of a replayable type keeps the bytes of the calls that made it and set
 * its state; when the instance that held the object is gone they are sent again
 * to the next one (revive).
 *
 * Ownership   The table owns handles; a pointer stays valid until destroyed.
 * Threads     Any.
 * Limits      RH_HANDLES_PER_PEER handles; RH_REPLAY_MAX calls and 1 MiB kept
 *             for each, beyond which a handle is no longer replayable. */
#ifndef RH_SDK_HANDLE_H
#define RH_SDK_HANDLE_H

#include "borrowed.h"
#include "flight.h"
#include "rhodes-stub.h"
#include "session.h"

#define RH_REPLAY_MAX 4096u

struct rh_replay {
	struct rh_replay         *next;
	const struct rh_function *function;
	void                     *pointers[RH_PARAMS_MAX]; /* of handle cells */
	uint32_t                  len;
	unsigned char             bytes[];
};

/* Where the object stands; a copy. */
struct rh_handle_place {
	uint64_t id;        /* the callee's                      */
	uint32_t instance;  /* that holds the object             */
	int      is_live;
};

struct rh_handle {
	struct rh_callee    *callee;
	struct rh_handle_place place;   /* under the table's lock            */
	uint16_t             type;
	uint8_t              is_replayable;
	uint8_t              is_reviving; /* under the callee's revival, written under the table's lock */
	uint32_t             index;
	unsigned char       *mirror;    /* what the pointer points at, or NULL */
	uint32_t             replay_count;
	uint32_t             replay_bytes;
	struct rh_replay    *first;
	struct rh_replay    *last;
	struct rh_borrowed  *borrowed;  /* what calls with it returned   */
};

/* The handle behind a program's pointer, or NULL. */
struct rh_handle *rh_handle_find(void *pointer);

void *rh_handle_pointer(const struct rh_handle *handle);

/* A new handle; NULL when the table is full.  mirror_bytes: memory that its
 * pointer shows to the program, or 0. */
struct rh_handle *rh_handle_create(struct rh_callee *callee, uint16_t type,
                                   uint64_t id, uint32_t instance,
                                   uint32_t mirror_bytes);

/* A known handle of that type with that id at that instance, or NULL. */
struct rh_handle *rh_handle_known(struct rh_callee *callee, uint16_t type, uint64_t id,
                                  uint32_t instance);

struct rh_handle_place rh_handle_place(const struct rh_handle *handle);

/* The object was made anew there; it lives when its state is set, too. */
void rh_handle_settle(struct rh_handle *handle, uint64_t id, uint32_t instance);
void rh_handle_set_live(struct rh_handle *handle);

/* Everything that stood in that instance of the callee is gone. */
void rh_handles_lose(const struct rh_callee *callee, uint32_t instance);

/* After RH_EGONE or RH_ELOST of a call that wanted that instance (0: any): what is
 * gone with it.  A page that is lost itself tells nothing: the next one will. */
void rh_handles_gone(const struct rh_callee *callee, const struct rh_flight *flight,
                     uint32_t wanted);

/* 1 when the page is bound to another instance; then either the page is dropped, if
 * its own server is gone, or what stands in the other instance is lost. */
int rh_handle_misplaced(const struct rh_callee *callee,
                        const struct rh_handle_place *place,
                        struct rh_thread_page *page);

/* revive.c: makes the object anew when it is lost.  RH_ELOST with *ret_is_broken set:
 * that is not possible.  deadline 0: the default. */
int rh_handle_revive(struct rh_handle *handle, uint64_t deadline, int *ret_is_broken);

/* For who revives it: what it remembers stays where it is from begin to end, though calls of
 * other threads are added, or are too many by then.  0: it cannot be made again. */
int rh_handle_revival_begin(struct rh_handle *handle);
void rh_handle_revival_end(struct rh_handle *handle);

/* The call that was remembered after that one, the first after NULL; NULL at the end. */
const struct rh_replay *rh_handle_revival_next(struct rh_handle       *handle,
                                               const struct rh_replay *before);

void rh_handle_destroy(struct rh_handle *handle);

/* Remembers a call that made the handle or set its state. */
void rh_handle_remember(struct rh_handle *handle, const struct rh_function *function,
                        void *const *args, const unsigned char *bytes, uint32_t len);

#endif
