#include "binding.h"

#include "agent.h"
#include "edge.h"
#include "pollfd.h"
#include "process.h"
#include "stats.h"
#include "use.h"

#include "../base/clock.h"
#include "../base/discard.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../protocols/page/page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD_BYTES     4096u             /* of the page stay mapped       */
#define REVOKED_NS     RH_NS_PER_S       /* from retired to taken away    */
#define REPLACED_NS    (30 * RH_NS_PER_S) /* the same, when calls may go on */
#define MISMATCH_MAX   16u               /* calls that may be under way   */
#define PATIENCE_NS    (30 * RH_NS_PER_S) /* without a deadline           */

/* ---- memory ------------------------------------------------------------- */

static void close_fds(struct rh_binding *binding)
{
	int *fds[4] = { &binding->memfd, &binding->event, &binding->companion,
	                &binding->far_companion };

	for (unsigned i = 0; i < 4; i++) {
		rh_discard(*fds[i]);
		*fds[i] = -1;
	}
}

static void drop_memory(struct rh_binding *binding)
{
	close_fds(binding);
	rh_memory_unmap(binding->head, HEAD_BYTES);
	binding->head = NULL;
}

/* A fresh page, eventfd and companion.  B1 */
static int make_memory(struct rh_binding *binding)
{
	void *memory;
	int   pair[2], r;

	r = rh_memory_create("rhodes-page", RH_PAGE_BYTES, &binding->memfd, &memory);
	if (r < 0)
		return r;
	rh_page_format(memory, binding->id, binding->process->attachment, 0,
	               RH_PAGE_FLAG_BIND);
	rh_memory_unmap((char *)memory + HEAD_BYTES, RH_PAGE_BYTES - HEAD_BYTES);
	binding->head = memory;
	if ((binding->event = rh_event_create()) < 0 || rh_socket_pair(1, pair) < 0) {
		drop_memory(binding);
		return RH_ENOMEM;
	}
	binding->companion = pair[0];
	binding->far_companion = pair[1];
	return RH_OK;
}

/* ---- asking ------------------------------------------------------------- */

static int send_bind(struct rh_binding *binding)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	int fds[3] = { binding->memfd, binding->event, binding->far_companion };

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, binding->process->attachment);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_record_put_u64(&writer, RH_TAG_DEADLINE, binding->deadline);
	return rh_conn_send(binding->edge->conn, RH_FRAME_BIND, binding->id, &writer,
	                    fds, 3);
}

static void refuse(struct rh_binding *binding, int code, const char *text)
{
	rh_conn_error(binding->process->conn, binding->request, code, "%s", text);
	rh_binding_close(binding);
}

static void ask(struct rh_binding *binding)
{
	if (!binding->head && make_memory(binding) < 0) {
		refuse(binding, RH_ENOMEM, "no memory or descriptors for a page");
		return;
	}
	if (rh_use_introduce(binding->use) < 0 || send_bind(binding) < 0)
		return; /* the link is going: asked again on the next */
	binding->state = RH_BINDING_ASKED;
}

void rh_bindings_ask(struct rh_edge *edge)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->state == RH_BINDING_WAITING)
			ask(binding);
	}
}

void rh_bindings_lost(struct rh_edge *edge)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->state != RH_BINDING_ASKED)
			continue;
		drop_memory(binding); /* B1 */
		binding->state = RH_BINDING_WAITING;
	}
}

int rh_binding_open(struct rh_process *process, struct rh_edge *edge,
                    uint64_t request, uint64_t deadline)
{
	struct rh_binding *binding = calloc(1, sizeof *binding);
	int                r;

	if (!binding)
		return RH_ENOMEM;
	binding->process = process;
	binding->edge = edge;
	binding->request = request;
	binding->deadline = deadline ? deadline : rh_clock_ns() + PATIENCE_NS;
	binding->id = rh_agent_next_id(process->agent);
	binding->memfd = binding->event = -1;
	binding->companion = binding->far_companion = -1;
	if ((r = rh_use_find(process, edge, &binding->use)) < 0) {
		free(binding);
		return r;
	}
	rh_list_add(&process->bindings, &binding->in_process);
	rh_list_add(&edge->bindings, &binding->in_edge);
	process->page_count++;
	rh_alarm_at(&process->agent->alarm, binding->deadline);
	rh_edge_link_want(edge);
	return RH_OK;
}

/* ---- answers ------------------------------------------------------------ */

static void retire(struct rh_binding *binding)
{
	binding->is_retired = 1;
	rh_retire(binding->process->agent, binding->head);
}

static void hand_out(struct rh_binding *binding, uint64_t instance)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int fds[3] = { binding->memfd, binding->event, binding->companion };

	binding->state = RH_BINDING_BOUND;
	binding->instance = instance;
	binding->head->fixed.instance = instance; /* before the process maps it */
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_record_put_u32(&writer, RH_TAG_EDGE, binding->edge->index);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_PAGE_FLAG_BIND);
	rh_conn_send(binding->process->conn, RH_FRAME_PAGE, binding->request, &writer,
	             fds, 3);
	close_fds(binding);
	rh_counter_add(&binding->process->agent->counters.head->bindings, 1);
	rh_stats_bound(binding->process->agent);
	if (binding->break_at != 0) /* revoked while it was asked for */
		retire(binding);
}

static void on_error(struct rh_binding *binding, struct rh_frame *frame)
{
	char    text[RH_DIAG_MAX] = "the callee's agent refused";
	int32_t code = RH_EPROTO;

	rh_record_i32(&frame->records, RH_TAG_CODE, &code);
	rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text);
	refuse(binding, code < 0 ? code : RH_EPROTO, text);
}

static void answer(struct rh_binding *binding, struct rh_frame *frame)
{
	uint64_t instance;

	if (frame->type == RH_FRAME_UNBIND) {
		rh_binding_close(binding);
	} else if (binding->state != RH_BINDING_ASKED) {
		rh_agent_malformed(binding->process->agent);
	} else if (frame->type == RH_FRAME_ERROR) {
		on_error(binding, frame);
	} else if (rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance) == RH_OK) {
		hand_out(binding, instance);
	}
}

void rh_bindings_answer(struct rh_edge *edge, struct rh_frame *frame)
{
	uint64_t id = frame->request;

	if (frame->type != RH_FRAME_ERROR &&
	    rh_record_u64(&frame->records, RH_TAG_PAGE, &id) < 0)
		return;
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->id == id) {
			answer(binding, frame);
			return;
		}
	}
}

/* ---- rules and deadlines ------------------------------------------------ */

/* The caller finishes what is under way and asks for another page, which it may
 * not get; who does not is cut off. */
static void withdraw(struct rh_binding *binding, uint64_t patience)
{
	uint64_t break_at = rh_clock_ns() + patience;

	if (binding->state == RH_BINDING_BOUND && !binding->is_retired)
		retire(binding);
	if (binding->break_at != 0 && binding->break_at <= break_at)
		return;
	binding->break_at = break_at;
	rh_alarm_at(&binding->process->agent->alarm, break_at);
}

void rh_bindings_review(struct rh_edge *edge, int verdict)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (verdict < 0)
			withdraw(binding, REVOKED_NS);
		else if (!rh_edge_binds(edge))
			withdraw(binding, REPLACED_NS);
		else
			binding->break_at = 0; /* allowed again: in its own time */
	}
}

void rh_bindings_take_idle(struct rh_edge *edge)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->is_retired && rh_page_is_idle(binding->head))
			rh_binding_close(binding);
	}
}

static void break_off(struct rh_binding *binding)
{
	struct rh_diag diag = {
		.code = RH_EREVOKED, .text = "the edge has another protocol now",
	};

	rh_edge_judge(binding->edge, &diag);
	if (binding->state == RH_BINDING_BOUND)
		rh_binding_close(binding);
	else
		refuse(binding, diag.code, diag.text);
}

static void give_up(struct rh_binding *binding)
{
	const struct rh_edge *edge = binding->edge;

	if (binding->state == RH_BINDING_ASKED || edge->why.code == 0)
		rh_conn_error(binding->process->conn, binding->request, RH_EDOWN,
		              "no instance of %s came up before the deadline",
		              edge->spec.callee);
	else
		rh_conn_error(binding->process->conn, binding->request, RH_EDOWN,
		              "%s is not there: %.180s", edge->spec.callee,
		              edge->why.text);
	rh_binding_close(binding);
}

void rh_bindings_expire(struct rh_edge *edge, uint64_t now)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);
		struct rh_alarm   *alarm = &binding->process->agent->alarm;

		rh_alarm_at(alarm, binding->break_at > now ? binding->break_at : 0);
		if (binding->break_at != 0 && binding->break_at <= now)
			break_off(binding);
		else if (binding->state == RH_BINDING_BOUND)
			continue;
		else if (binding->deadline <= now)
			give_up(binding);
		else
			rh_alarm_at(alarm, binding->deadline);
	}
}

/* ---- counting ----------------------------------------------------------- */

/* What a counter rose by since the last look; a caller that lets it fall gains
 * nothing. */
static uint64_t rise(_Atomic uint64_t *now, _Atomic uint64_t *before)
{
	uint64_t value = atomic_load_explicit(now, memory_order_relaxed);
	uint64_t known = atomic_load_explicit(before, memory_order_relaxed);

	atomic_store_explicit(before, value, memory_order_relaxed);
	return value > known ? value - known : 0;
}

static void count(struct rh_binding *binding)
{
	struct rh_page_counters *now = &binding->head->by_caller;
	struct rh_page_counters *before = &binding->counted;
	struct rh_counters_edge *edge = binding->edge->counters;
	uint64_t                 calls = rise(&now->calls, &before->calls);

	if (calls == 0)
		return;
	rh_counter_add(&edge->calls, calls);
	rh_counter_add(&edge->errors, rise(&now->errors, &before->errors));
	rh_counter_add(&edge->bytes_in, rise(&now->bytes_in, &before->bytes_in));
	rh_counter_add(&edge->bytes_out, rise(&now->bytes_out, &before->bytes_out));
	rh_counter_add(&edge->lost, rise(&now->lost, &before->lost));
	for (unsigned i = 0; i < RH_LATENCY_BUCKETS; i++) {
		uint64_t value = atomic_load_explicit(&binding->head->latency[i],
		                                      memory_order_relaxed);

		if (value > binding->latency[i])
			rh_counter_add(&edge->latency[i], value - binding->latency[i]);
		binding->latency[i] = value;
	}
	rh_stats_changed(binding->process->agent);
}

unsigned rh_bindings_count(struct rh_agent *agent)
{
	unsigned bound = 0;

	for (unsigned i = 0; i < agent->edge_count; i++) {
		RH_LIST_EACH(node, &agent->edges[i]->bindings) {
			struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
			                                          in_edge);

			if (binding->state != RH_BINDING_BOUND)
				continue;
			bound++;
			count(binding);
		}
	}
	return bound;
}

/* Both sides said how many calls there were.  At the end they differ at most by
 * those that were under way. */
static void compare(struct rh_binding *binding)
{
	uint64_t caller = atomic_load_explicit(&binding->head->by_caller.calls,
	                                       memory_order_relaxed);
	uint64_t callee = atomic_load_explicit(&binding->head->by_server.calls,
	                                       memory_order_relaxed);
	uint64_t differ = caller > callee ? caller - callee : callee - caller;

	if (differ <= MISMATCH_MAX)
		return;
	rh_warn_often("process %d says it made %llu calls of %s on a bound page, instance "
	        "%08llx says it served %llu", (int)binding->process->pid,
	        (unsigned long long)caller, binding->edge->spec.callee,
	        (unsigned long long)binding->instance, (unsigned long long)callee);
	rh_counter_add(&binding->process->agent->counters.head->mismatched, 1);
}

static void send_unbind(struct rh_binding *binding)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	if (binding->state == RH_BINDING_WAITING || !binding->edge->conn)
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_conn_send(binding->edge->conn, RH_FRAME_UNBIND, 0, &writer, NULL, 0);
}

void rh_binding_close(struct rh_binding *binding)
{
	struct rh_process *process = binding->process;

	if (binding->state == RH_BINDING_BOUND) {
		count(binding);
		compare(binding);
		rh_counter_add(&process->agent->counters.head->bindings, (uint64_t)-1);
	}
	send_unbind(binding);
	rh_list_remove(&binding->in_process);
	rh_list_remove(&binding->in_edge);
	process->page_count--;
	drop_memory(binding);
	free(binding);
}
