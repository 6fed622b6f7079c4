/* frame - the C objects of one call: arguments read from JavaScript, results written.
 *
 * Ownership   rh_js_frame_fini frees all of it.  Bytes that go in are the program's own
 *             memory, unless the frame is detached from it.
 * Threads     read and write: that of JavaScript; in between any one. */
#ifndef RH_NODE_FRAME_H
#define RH_NODE_FRAME_H

#include "handle.h"
#include "value.h"

struct rh_js_frame {
	const struct rh_js_plan *plan;
	struct rh_js_library    *library;
	bool                     is_raw;   /* texts come back as bytes               */
	bool                     is_detached; /* bytes are copied: read now, used later */
	bool                     has_results; /* of malloc or lent, to be freed      */
	void                    *args[RH_PARAMS_MAX];     /* as librhodes takes them  */
	uint64_t                 cells[RH_PARAMS_MAX];    /* values that are small    */
	void                    *pointees[RH_PARAMS_MAX]; /* of RH_PARAM_POINTER      */
	uint32_t                 rooms[RH_PARAMS_MAX];    /* bytes, of what comes out */
	struct rh_js_held       *held[RH_PARAMS_MAX];     /* borrowed from wrappers   */
	int                      err_no;   /* that the function left; 0: none        */
	void                    *ret;
	uint64_t                 ret_cell;
	struct rh_js_arena       arena;
};

/* Reads the words of a call.  The frame must be given to fini also when this fails. */
int rh_js_frame_read(struct rh_js_frame *frame, const napi_value *words, size_t count);

/* Calls.  Returns what rh_language_call did. */
int rh_js_frame_call(struct rh_js_frame *frame);

/* Copies what librhodes lent to the thread that called, so that it can be written later.
 * Without memory it is NULL. */
void rh_js_frame_keep(struct rh_js_frame *frame);

/* After a call that worked: what it returns, and handles that it ended. */
int rh_js_frame_write(struct rh_js_frame *frame, napi_value *ret_js);

/* A server: what the function is given for a parameter that is one of its words. */
int rh_js_frame_write_word(struct rh_js_frame *frame, unsigned param, napi_value *ret_js);

void rh_js_frame_fini(struct rh_js_frame *frame);

#endif
