#include "module.h"

#include "agent.h"
#include "center.h"
#include "leave.h"
#include "module_look.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../base/socket.h"
#include "../model/error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What comes from the center. */
struct fetch {
	char           module[RH_SHA256_HEX]; /* "": nothing */
	char           signature[RH_SIGNATURE_HEX];
	unsigned char *bytes;
	size_t         have;
	size_t         total;                 /* 0: not known yet */
};

struct rh_modules {
	struct rh_agent       *agent;
	struct rh_list         wants;
	struct fetch           fetch;
	struct rh_module_look *look;          /* under way beside the loop; M1  */
	struct rh_module_look *fetching;      /* for which is fetched, until it is done */
	int                    is_given;      /* it has what was fetched for it */
	uv_work_t              work;
	char                   dir[PATH_MAX]; /* "": nowhere                 */
};

static void go_on(struct rh_modules *modules);

/* ---- the center --------------------------------------------------------- */

static void drop_fetch(struct rh_modules *modules)
{
	free(modules->fetch.bytes);
	modules->fetch = (struct fetch){ .module = "" };
}

void rh_modules_ask(struct rh_agent *agent)
{
	const struct fetch     *fetch = &agent->modules->fetch;
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	if (!fetch->module[0])
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_MODULE, fetch->module);
	rh_record_put_u32(&writer, RH_TAG_OFFSET, (uint32_t)fetch->have);
	rh_center_tell(agent, RH_FRAME_MODULE_GET, &writer);
}

static void begin_fetch(struct rh_modules *modules, const char *module)
{
	drop_fetch(modules);
	memcpy(modules->fetch.module, module, sizeof modules->fetch.module);
	rh_modules_ask(modules->agent);
	rh_failpoint("module-wanted");
}

/* ---- what was looked for ------------------------------------------------ */

static int is_its(const struct rh_module_want *want, const struct rh_module_look *look)
{
	return strcmp(want->module, look->module) == 0 &&
	       strcmp(want->part, look->part) == 0 &&
	       strcmp(want->hook, look->hook) == 0 && strcmp(want->mode, look->mode) == 0;
}

/* Everybody who wants the same has it, or not. */
static void conclude(struct rh_modules *modules, struct rh_module_look *look)
{
	struct rh_list done;

	rh_list_init(&done);
	RH_LIST_EACH(node, &modules->wants) {
		if (is_its(RH_CONTAINER(node, struct rh_module_want, in_modules), look)) {
			rh_list_remove(node);
			rh_list_add(&done, node);
		}
	}
	while (!rh_list_empty(&done)) { /* one that is done may forget another */
		struct rh_module_want *want = RH_CONTAINER(done.next,
			struct rh_module_want, in_modules);

		rh_list_remove(&want->in_modules);
		want->done(want, look->err < 0 ? NULL : &look->found, &look->why);
	}
}

static struct rh_module_look *make_look(const struct rh_modules *modules,
                                        const struct rh_module_want *want)
{
	struct rh_module_look *look = calloc(1, sizeof *look);

	if (!look)
		return NULL;
	look->found.fd = -1;
	look->dir = modules->dir;
	memcpy(look->module, want->module, sizeof look->module);
	snprintf(look->hook, sizeof look->hook, "%s", want->hook);
	snprintf(look->mode, sizeof look->mode, "%s", want->mode);
	snprintf(look->part, sizeof look->part, "%s", want->part);
	return look;
}

/* Who wants that waits until nothing else is fetched. */
static void park(struct rh_modules *modules, const struct rh_module_look *look)
{
	RH_LIST_EACH(node, &modules->wants) {
		struct rh_module_want *want = RH_CONTAINER(node, struct rh_module_want,
		                                           in_modules);

		if (is_its(want, look))
			want->is_parked = 1;
	}
}

static void unpark(struct rh_modules *modules)
{
	RH_LIST_EACH(node, &modules->wants)
		RH_CONTAINER(node, struct rh_module_want, in_modules)->is_parked = 0;
}

/* It is over, as look->err says. */
static void end_look(struct rh_modules *modules, struct rh_module_look *look)
{
	if (modules->fetching == look) {
		modules->fetching = NULL;
		drop_fetch(modules);
		unpark(modules);
	}
	conclude(modules, look);
	rh_module_look_free(look);
}

/* Its answer is here. */
static void take(struct rh_modules *modules)
{
	struct rh_module_look *look = modules->look;

	modules->look = NULL;
	if (look->note.code < 0)
		rh_warn_often("%s", look->note.text);
	look->note.code = 0;
	if (look->err != RH_EAGAIN) {
		end_look(modules, look);
	} else if (!modules->fetching || modules->fetching == look) {
		modules->fetching = look; /* goes on when it is here */
		begin_fetch(modules, look->missing);
	} else {
		park(modules, look);
		rh_module_look_free(look);
	}
}

static void work(uv_work_t *request)
{
	struct rh_modules *modules = request->data;

	rh_module_look(modules->look);
}

static void after_work(uv_work_t *request, int status)
{
	struct rh_modules *modules = request->data;

	(void)status;
	rh_log_as(modules->agent->name);
	modules->work.data = NULL;
	if (modules->agent->leave.done) {
		rh_leave_go_on(modules->agent);
		return;
	}
	take(modules);
	go_on(modules);
}

/* Beside the loop, but for an agent that only begins: what it has is in force before
 * anybody calls. */
static void begin_work(struct rh_modules *modules, struct rh_module_look *look)
{
	modules->look = look;
	if (modules->agent->center) {
		modules->work.data = modules;
		if (uv_queue_work(modules->agent->loop, &modules->work, work, after_work) == 0)
			return;
		modules->work.data = NULL;
	}
	rh_module_look(look);
	take(modules);
}

/* What is to be looked for, or looked at again: NULL: nothing. */
static struct rh_module_look *next_look(struct rh_modules *modules)
{
	struct rh_module_look *look;

	if (modules->is_given) {
		modules->is_given = 0;
		return modules->fetching;
	}
	RH_LIST_EACH(node, &modules->wants) {
		struct rh_module_want *want = RH_CONTAINER(node, struct rh_module_want,
		                                           in_modules);

		if (want->is_parked || (modules->fetching && is_its(want, modules->fetching)))
			continue;
		look = make_look(modules, want);
		if (!look)
			rh_error("no memory to look for a module");
		return look;
	}
	return NULL;
}

static void go_on(struct rh_modules *modules)
{
	struct rh_module_look *next;

	while (!modules->look && (next = next_look(modules)))
		begin_work(modules, next);
}

/* ---- wanting ------------------------------------------------------------ */

void rh_modules_want(struct rh_agent *agent, struct rh_module_want *want)
{
	want->is_parked = 0;
	rh_list_add(&agent->modules->wants, &want->in_modules);
	go_on(agent->modules);
}

void rh_modules_forget(struct rh_module_want *want)
{
	rh_list_remove(&want->in_modules);
}

/* ---- parts from the center ---------------------------------------------- */

/* It cannot be had: so it is said to whoever wants it, and not asked for again. */
static void give_up(struct rh_modules *modules, const struct rh_diag *why)
{
	modules->fetching->err = why->code;
	modules->fetching->why = *why;
	end_look(modules, modules->fetching);
	go_on(modules);
}

static void refused(struct rh_modules *modules, const struct rh_frame *frame, int32_t code)
{
	struct rh_diag why;

	rh_diag_set(&why, code < 0 ? code : RH_EPROTO, "the center does not give it");
	(void)rh_record_text(&frame->records, RH_TAG_TEXT, why.text, sizeof why.text);
	give_up(modules, &why);
}

/* The first part says how long it is, and of a manifest who signed it. */
static int begin_bytes(struct fetch *fetch, const struct rh_frame *frame, uint64_t total,
                       struct rh_diag *why)
{
	int r = rh_record_text(&frame->records, RH_TAG_SIGNATURE, fetch->signature,
	                       sizeof fetch->signature);

	if ((r < 0 && r != RH_ENOENT) || total == 0)
		return RH_EPROTO;
	if (total > RH_MODULE_FETCH_MAX)
		return rh_diag_set(why, RH_ENOSPC, "module %.12s has %llu bytes, which is more "
		                   "than the %u that an agent takes", fetch->module,
		                   (unsigned long long)total, RH_MODULE_FETCH_MAX);
	fetch->bytes = malloc(total);
	if (!fetch->bytes)
		return rh_diag_set(why, RH_ENOMEM, "no memory for module %.12s", fetch->module);
	fetch->total = total;
	return RH_OK;
}

/* 1: it is the part that was asked for.  0: an answer to what was asked before. */
static int add_part(struct rh_modules *modules, const struct rh_frame *frame,
                    struct rh_diag *why)
{
	struct fetch    *fetch = &modules->fetch;
	struct rh_record body;
	uint32_t         offset;
	uint64_t         total;
	int              r = RH_OK;

	if (rh_record_u32(&frame->records, RH_TAG_OFFSET, &offset) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_BYTES, &total) < 0 ||
	    rh_record_find(&frame->records, RH_TAG_BODY, &body) < 0 || body.len == 0)
		return RH_EPROTO;
	if (offset != fetch->have)
		return 0;
	if (!fetch->bytes)
		r = begin_bytes(fetch, frame, total, why);
	if (r < 0)
		return r;
	if (total != fetch->total || body.len > total - fetch->have)
		return RH_EPROTO;
	memcpy(fetch->bytes + fetch->have, body.bytes, body.len);
	fetch->have += body.len;
	rh_failpoint("module-part");
	return 1;
}

/* What a liar sent is no beginning for the next who answers. */
static void begin_anew(struct fetch *fetch)
{
	free(fetch->bytes);
	fetch->bytes = NULL;
	fetch->have = fetch->total = 0;
}

static void give(struct rh_modules *modules)
{
	struct fetch *fetch = &modules->fetch;

	rh_module_look_give(modules->fetching, fetch->module, fetch->bytes, fetch->total,
	                    fetch->signature);
	fetch->bytes = NULL;
	drop_fetch(modules);
	modules->is_given = 1;
	rh_failpoint("module-here");
	go_on(modules);
}

int rh_modules_data(struct rh_agent *agent, const struct rh_frame *frame)
{
	struct rh_modules *modules = agent->modules;
	struct fetch      *fetch = &modules->fetch;
	char               module[RH_SHA256_HEX];
	struct rh_diag     why;
	int32_t            code;
	int                r;

	if (rh_record_text(&frame->records, RH_TAG_MODULE, module, sizeof module) < 0)
		return RH_EPROTO;
	if (!fetch->module[0] || strcmp(module, fetch->module) != 0)
		return RH_OK; /* nobody wants it any more */
	if (rh_record_i32(&frame->records, RH_TAG_CODE, &code) == RH_OK) {
		refused(modules, frame, code);
		return RH_OK;
	}
	r = add_part(modules, frame, &why);
	if (r == RH_EPROTO)
		begin_anew(fetch);
	else if (r < 0)
		give_up(modules, &why);
	else if (r > 0 && fetch->have < fetch->total)
		rh_modules_ask(agent);
	else if (r > 0)
		give(modules);
	return r == RH_EPROTO ? r : RH_OK;
}

/* ---- beginning and ending ----------------------------------------------- */

int rh_modules_open(struct rh_agent *agent, const char *dir, struct rh_diag *diag)
{
	struct rh_modules *modules = calloc(1, sizeof *modules);

	if (!modules || rh_signature_start() < 0) {
		free(modules);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for modules");
	}
	modules->agent = agent;
	rh_list_init(&modules->wants);
	if (dir) {
		snprintf(modules->dir, sizeof modules->dir, "%s", dir);
		rh_module_look_sweep(dir);
	}
	agent->modules = modules;
	return RH_OK;
}

int rh_modules_are_busy(const struct rh_agent *agent)
{
	return agent->modules && agent->modules->work.data;
}

void rh_modules_free(struct rh_agent *agent)
{
	struct rh_modules *modules = agent->modules;

	if (!modules)
		return;
	drop_fetch(modules);
	if (modules->look && modules->look != modules->fetching)
		rh_module_look_free(modules->look);
	if (modules->fetching)
		rh_module_look_free(modules->fetching);
	free(modules);
	agent->modules = NULL;
}
