#include "instance.h"

#include "agent.h"
#include "attachment.h"
#include "bound.h"
#include "center.h"
#include "choices.h"
#include "happening.h"
#include "inlink.h"
#include "process.h"
#include "wpage.h"

#include "../base/diag.h"
#include "../base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- identity ----------------------------------------------------------- */

struct rh_instance *rh_instance_by_id(struct rh_agent *agent, uint32_t id)
{
	RH_LIST_EACH(node, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(node, struct rh_instance,
		                                            in_agent);

		if (instance->id == id)
			return instance;
	}
	return NULL;
}

/* I1: the one it had, so that handles stay valid, or a new one. */
static uint32_t choose_id(struct rh_agent *agent, uint64_t wanted)
{
	uint32_t id = wanted <= UINT32_MAX ? (uint32_t)wanted : 0;

	while (id == 0 || rh_instance_by_id(agent, id)) {
		if (getrandom(&id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id)
			id = (uint32_t)rh_agent_next_id(agent);
	}
	return id;
}

/* ---- the interface ------------------------------------------------------ */

static int order(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The hashes that the frame offers, sorted; *ret_hashes is freed by the caller. */
static int read_functions(struct rh_frame *frame, uint64_t **ret_hashes,
                          size_t *ret_count)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	size_t                  count = 0;
	uint64_t               *hashes = malloc(RH_FRAME_MAX);

	if (!hashes)
		return RH_ENOMEM;
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		if (record.tag != RH_TAG_FUNCTION || record.len != sizeof hashes[0])
			continue;
		memcpy(&hashes[count], record.bytes, sizeof hashes[0]);
		count++; /* 16 bytes of the frame each: they fit */
	}
	qsort(hashes, count, sizeof hashes[0], order);
	*ret_hashes = hashes;
	*ret_count = count;
	return RH_OK;
}

static int check_functions(const struct rh_self *self, const uint64_t *hashes,
                           size_t count, struct rh_diag *diag)
{
	for (unsigned i = 0; i < self->function_count; i++) {
		if (!bsearch(&self->functions[i], hashes, count, sizeof hashes[0], order))
			return rh_diag_set(diag, RH_EINTERFACE, "the function with id "
			                   "%016llx of %s is not served: %s was built "
			                   "for another version",
			                   (unsigned long long)self->functions[i],
			                   self->interface, self->name);
	}
	return RH_OK;
}

/* A callee may offer more than is registered, never less or something else. */
static int check_interface(const struct rh_self *self, struct rh_frame *frame,
                           struct rh_diag *diag)
{
	char      name[RH_NAME_MAX + 1] = "";
	uint64_t  hash = 0, *hashes;
	size_t    count;
	int       r;

	rh_record_text(&frame->records, RH_TAG_INTERFACE, name, sizeof name);
	rh_record_u64(&frame->records, RH_TAG_HASH, &hash);
	if (self->interface[0] && strcmp(self->interface, name) != 0)
		return rh_diag_set(diag, RH_EINTERFACE, "%s is registered with the "
		                   "interface %s, the process serves %s", self->name,
		                   self->interface, name[0] ? name : "none");
	if (self->function_count > 0) {
		if ((r = read_functions(frame, &hashes, &count)) < 0)
			return rh_diag_set(diag, r, "no memory to compare functions");
		r = check_functions(self, hashes, count, diag);
		free(hashes);
		return r;
	}
	if (self->hash != 0 && hash != 0 && self->hash != hash)
		return rh_diag_set(diag, RH_EINTERFACE, "the interface %s registered for "
		                   "%s has hash %016llx, the process serves %016llx",
		                   self->interface, self->name,
		                   (unsigned long long)self->hash,
		                   (unsigned long long)hash);
	return RH_OK;
}

/* ---- serving ------------------------------------------------------------ */

static int answer_serving(struct rh_process *process, uint64_t request)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, process->instance->id);
	return rh_conn_send(process->conn, RH_FRAME_SERVING, request, &writer, NULL, 0);
}

static int refuse(struct rh_process *process, struct rh_frame *frame, int code,
                  const char *text)
{
	rh_warn_often("process %d (%s) may not serve: %s", (int)process->pid, process->exe,
	        text);
	return rh_conn_error(process->conn, frame->request, code, "%s", text);
}

static void changed(struct rh_agent *agent)
{
	rh_center_tell_instances(agent);
	rh_choices_changed(agent);
	rh_inlinks_run(agent);
	rh_bounds_run(agent);
}

int rh_instance_serve(struct rh_process *process, struct rh_frame *frame)
{
	struct rh_agent    *agent = process->agent;
	struct rh_instance *instance;
	struct rh_diag      diag;
	uint64_t            wanted = 0;
	int                 r;

	if (process->role != RH_ROLE_CALLEE)
		return refuse(process, frame, RH_EINVAL, "it attached as a caller");
	if (process->instance)
		return refuse(process, frame, RH_EEXIST, "it serves already");
	if ((r = check_interface(&agent->view->self, frame, &diag)) < 0)
		return refuse(process, frame, r, diag.text);
	if (!(instance = calloc(1, sizeof *instance)))
		return refuse(process, frame, RH_ENOMEM, "no memory for an instance");
	rh_record_u64(&frame->records, RH_TAG_INSTANCE, &wanted);
	rh_record_u32(&frame->records, RH_TAG_THREADS, &instance->threads);
	rh_record_u32(&frame->records, RH_TAG_COUNT, &instance->pages_max);
	instance->process = process;
	instance->id = choose_id(agent, wanted);
	rh_list_init(&instance->wpages);
	rh_list_init(&instance->bounds);
	rh_list_add(&agent->instances, &instance->in_agent);
	process->instance = instance;
	rh_counter_add(&agent->counters.head->instances, 1);
	rh_info("instance %08x is up: pid=%d", instance->id, (int)process->pid);
	rh_happening_tell(agent, "instance.up", agent->resource, "%d", (int)process->pid);
	r = answer_serving(process, frame->request);
	changed(agent);
	return r;
}

void rh_instance_lost(struct rh_instance *instance)
{
	struct rh_process *process = instance->process;
	struct rh_agent   *agent = process->agent;

	rh_info("instance %08x is gone: pid=%d", instance->id, (int)process->pid);
	rh_happening_tell(agent, "instance.down", agent->resource, "%d",
	                  (int)process->pid);
	process->instance = NULL;
	rh_list_remove(&instance->in_agent);
	rh_counter_add(&agent->counters.head->instances, (uint64_t)-1);
	rh_attachments_unstick(agent, instance);
	while (!rh_list_empty(&instance->wpages))
		rh_wpage_lost(RH_CONTAINER(instance->wpages.next, struct rh_wpage,
		                           in_instance));
	while (!rh_list_empty(&instance->bounds))
		rh_bound_lost(RH_CONTAINER(instance->bounds.next, struct rh_bound,
		                           in_instance));
	free(instance);
	changed(agent);
}

static struct rh_wpage *find_wpage(struct rh_instance *instance, uint64_t id)
{
	RH_LIST_EACH(node, &instance->wpages) {
		struct rh_wpage *page = RH_CONTAINER(node, struct rh_wpage, in_instance);

		if (page->id == id)
			return page;
	}
	return NULL;
}

static struct rh_bound *find_bound(struct rh_instance *instance, uint64_t id)
{
	RH_LIST_EACH(node, &instance->bounds) {
		struct rh_bound *bound = RH_CONTAINER(node, struct rh_bound, in_instance);

		if (bound->local == id)
			return bound;
	}
	return NULL;
}

int rh_instance_has_page(struct rh_instance *instance, uint64_t page)
{
	return find_wpage(instance, page) || find_bound(instance, page);
}

void rh_instance_put_page(struct rh_instance *instance, struct rh_frame *frame)
{
	struct rh_bound *bound = NULL;
	uint64_t         page;

	if (rh_record_u64(&frame->records, RH_TAG_PAGE, &page) == RH_OK)
		bound = find_bound(instance, page);
	if (bound)
		rh_bound_put(bound);
}

void rh_instance_answer(struct rh_instance *instance, struct rh_frame *frame)
{
	struct rh_wpage *page = find_wpage(instance, frame->request);
	struct rh_bound *bound = page ? NULL : find_bound(instance, frame->request);
	int32_t          code = RH_OK;

	if (frame->type == RH_FRAME_ERROR) {
		code = RH_EPROTO;
		rh_record_i32(&frame->records, RH_TAG_CODE, &code);
		if (code >= 0)
			code = RH_EPROTO;
	}
	if (page)
		rh_wpage_added(page, code);
	else if (bound)
		rh_bound_added(bound, code);
}

int rh_instance_add_page(struct rh_instance *instance,
                         const struct rh_page_add *add)
{
	unsigned char           bytes[256 + 12 * 70];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, add->page);
	if (add->origin != 0)
		rh_record_put_u64(&writer, RH_TAG_ORIGIN, add->origin);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, add->attachment);
	rh_record_put_text(&writer, RH_TAG_CALLER, add->caller);
	rh_record_put_u32(&writer, RH_TAG_UID, add->uid);
	for (unsigned i = 0; i < add->gid_count; i++)
		rh_record_put_u32(&writer, RH_TAG_GID, add->gids[i]);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, add->flags);
	return rh_conn_send(instance->process->conn, RH_FRAME_PAGE_ADD, add->page,
	                    &writer, add->fds, 4);
}

static unsigned callers_of(const struct rh_agent *agent)
{
	unsigned count = 0;

	for (unsigned i = 0; i < agent->view->edge_count; i++) {
		const struct rh_view_edge *edge = &agent->view->edges[i];

		count += edge->verdict == RH_OK &&
		         strcmp(edge->callee, agent->resource) == 0;
	}
	return count;
}

int rh_instance_has_room(const struct rh_instance *instance, const char *caller)
{
	unsigned has = 0, max = instance->pages_max;

	if (max == 0)
		return 1;
	if (callers_of(instance->process->agent) > 1)
		max = (max + 1) / 2;
	RH_LIST_EACH(node, &instance->wpages)
		has += strcmp(RH_CONTAINER(node, struct rh_wpage, in_instance)
		              ->lane->attachment->link->caller, caller) == 0;
	RH_LIST_EACH(at, &instance->bounds)
		has += strcmp(RH_CONTAINER(at, struct rh_bound, in_instance)->caller,
		              caller) == 0;
	return has < max;
}

static void tell(struct rh_instance *instance, uint8_t type, uint16_t tag,
                 uint64_t value)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, tag, value);
	rh_conn_send(instance->process->conn, type, 0, &writer, NULL, 0);
}

void rh_instance_drop_page(struct rh_instance *instance, uint64_t page)
{
	instance->dropped++;
	tell(instance, RH_FRAME_PAGE_DROP, RH_TAG_PAGE, page);
}

void rh_instance_peer_gone(struct rh_instance *instance, uint64_t attachment)
{
	tell(instance, RH_FRAME_PEER_GONE, RH_TAG_ATTACHMENT, attachment);
}

struct rh_instance *rh_instance_pick(struct rh_agent *agent)
{
	struct rh_instance *best = NULL;

	RH_LIST_EACH(node, &agent->instances) {
		struct rh_instance *instance = RH_CONTAINER(node, struct rh_instance,
		                                            in_agent);

		if (!best || instance->load < best->load)
			best = instance;
	}
	return best;
}
