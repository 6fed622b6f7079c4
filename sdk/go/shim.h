/* shim - what must happen in one call from Go: a thread may be another one in the next.
 *
 * A frame is memory of C for one call: the addresses of the arguments, this head, the
 * arguments themselves, and room for texts.  What comes out is copied into it before Go
 * gets control back, as texts of librhodes live until the thread's next call. */
#ifndef RHODES_GO_SHIM_H
#define RHODES_GO_SHIM_H

#include <rhodes-language.h>

#define RH_GO_OUTS  6
#define RH_GO_BYTES 4
#define RH_GO_YIELD 1 /* the call worked, and the scheduler is to run */

struct rh_go_more {
	struct rh_go_more *next;
	char               bytes[];
};

struct rh_go_error {
	int32_t     code;
	int32_t     ran;
	const char *text, *language, *type, *message, *stack;
};

struct rh_go_frame {
	void               *args[RH_PARAMS_MAX];
	struct rh_go_more  *more;   /* blocks that the frame was too small for */
	struct rh_go_error *error;
	uint32_t            size;
	int32_t             err_no;
};

/* A text or bytes behind a pointer that comes out. */
struct rh_go_out {
	uint32_t at;        /* of the pointer, in the frame                   */
	uint32_t length;    /* of the number of elements; 0: a text           */
	uint32_t length_size;
	uint32_t element;   /* bytes of one                                   */
	uint32_t is_owned;
};

/* As the Go struct Plan has it. */
struct rh_go_plan {
	uint32_t         ret;   /* place of the result, 0: none                */
	uint32_t         out_count;
	struct rh_go_out outs[RH_GO_OUTS];
	uint32_t         bytes[RH_GO_BYTES]; /* where pointers to slices belong */
};

/* 0, RH_GO_YIELD, or a negative code.
 * Library and frame are memory of C, plans are variables of the program: as numbers Go
 * need not look whether they are pointers of its own, which is a fifth of a call. */
int rh_go_call(uintptr_t library, unsigned index, uintptr_t frame, uintptr_t plan,
               uint32_t room);
int rh_go_call_bytes(uintptr_t library, unsigned index, uintptr_t frame, uintptr_t plan,
                     uint32_t room, void *b0, void *b1, void *b2, void *b3);

/* A block that lives as long as the frame's call; NULL without memory. */
void *rh_go_more(void *frame, size_t size);
void  rh_go_free_more(void *frame);

int rh_go_serve(const struct rh_interface *interface, uintptr_t user, unsigned threads);

#endif
