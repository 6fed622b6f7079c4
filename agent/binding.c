#include "binding.h"

#include "agent.h"
#include "conn.h"
#include "edge.h"
#include "pollfd.h"
#include "process.h"
#include "report.h"
#include "settle.h"
#include "stats.h"
#include "use.h"

#include "../base/clock.h"
#include "../base/discard.h"
#include "../base/memory.h"
#include "../protocols/page/page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEAD_BYTES     4096u             /* of the page stay mapped       */
#define REVOKED_NS     (RH_CUT_REVOKED_NS + RH_CUT_LATER_NS)
#define REPLACED_NS    (RH_CUT_REPLACED_NS + RH_CUT_LATER_NS)
#define PATIENCE_NS    (30 * RH_NS_PER_S) /* without a deadline           */

/* ---- memory ------------------------------------------------------------- */

static void close_fd(int *fd)
{
	rh_discard(*fd);
	*fd = -1;
}

static void close_ends(struct rh_binding *binding)
{
	close_fd(&binding->waker);
	close_fd(&binding->far_waker);
	close_fd(&binding->companion);
	close_fd(&binding->far_companion);
}

static void drop_memory(struct rh_binding *binding)
{
	close_ends(binding);
	close_fd(&binding->memfd);
	rh_memory_unmap(binding->head, HEAD_BYTES);
	binding->head = NULL;
}

/* Keeps of a mapped page what is needed here. */
static void keep_head(struct rh_binding *binding, void *memory)
{
	rh_memory_unmap((char *)memory + HEAD_BYTES, RH_PAGE_BYTES - HEAD_BYTES);
	binding->head = memory;
}

/* A fresh page, waker and companion.  B1 */
static int make_memory(struct rh_binding *binding)
{
	void *memory;
	int   r;

	r = rh_memory_create("rhodes-page", RH_PAGE_BYTES, &binding->memfd, &memory);
	if (r < 0)
		return r;
	rh_page_format(memory, binding->id, binding->attachment, 0, RH_PAGE_FLAG_BIND);
	keep_head(binding, memory);
	if (rh_socket_ends(&binding->waker, &binding->far_waker) < 0 ||
	    rh_socket_ends(&binding->companion, &binding->far_companion) < 0) {
		drop_memory(binding);
		return RH_ENOMEM;
	}
	return RH_OK;
}

/* ---- asking ------------------------------------------------------------- */

static int send_bind(struct rh_binding *binding)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	int fds[3] = { binding->memfd, binding->far_waker, binding->far_companion };

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, binding->attachment);
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

		if (!rh_conn_is_flushed(edge->conn))
			return;
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
		binding->id = rh_agent_next_id(edge->agent);
		binding->state = RH_BINDING_WAITING;
	}
}

static struct rh_binding *create(struct rh_edge *edge, uint64_t attachment,
                                 uint64_t id)
{
	struct rh_binding *binding = calloc(1, sizeof *binding);

	if (!binding)
		return NULL;
	binding->edge = edge;
	binding->attachment = attachment;
	binding->id = id;
	binding->memfd = binding->waker = binding->far_waker = -1;
	binding->companion = binding->far_companion = -1;
	rh_list_init(&binding->in_process);
	return binding;
}

int rh_binding_open(struct rh_process *process, struct rh_edge *edge,
                    uint64_t request, uint64_t deadline)
{
	struct rh_binding *binding = create(edge, process->attachment,
	                                    rh_agent_next_id(process->agent));
	int                r;

	if (!binding)
		return RH_ENOMEM;
	binding->process = process;
	binding->request = request;
	binding->deadline = deadline ? deadline : rh_clock_ns() + PATIENCE_NS;
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

static void bound(struct rh_binding *binding, uint64_t instance)
{
	struct rh_agent *agent = binding->edge->agent;

	binding->state = RH_BINDING_BOUND;
	binding->instance = instance;
	rh_counter_add(&agent->counters.head->bindings, 1);
	rh_stats_bound(agent);
}

static void retire(struct rh_binding *binding)
{
	binding->is_retired = 1;
	if (binding->head)
		rh_retire(binding->edge->agent, binding->head);
}

static void hand_out(struct rh_binding *binding, uint64_t instance)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int fds[3] = { binding->memfd, binding->waker, binding->companion };

	binding->head->fixed.instance = instance; /* before the process maps it */
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_record_put_u32(&writer, RH_TAG_EDGE, binding->edge->index);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_PAGE_FLAG_BIND);
	rh_conn_send(binding->process->conn, RH_FRAME_PAGE, binding->request, &writer,
	             fds, 3);
	close_ends(binding);
	bound(binding, instance);
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
	uint64_t instance = 0;

	if (frame->type == RH_FRAME_UNBIND) {
		rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance);
		/* Another one's word of the page is a lie. */
		if (binding->state != RH_BINDING_BOUND || instance == 0 ||
		    instance == binding->instance)
			rh_binding_close(binding);
	} else if (binding->state != RH_BINDING_ASKED) {
		rh_agent_malformed(binding->edge->agent);
	} else if (frame->type == RH_FRAME_ERROR) {
		on_error(binding, frame);
	} else if (rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance) == RH_OK) {
		hand_out(binding, instance);
	}
}

struct rh_binding *rh_binding_find(struct rh_edge *edge, uint64_t id)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->id == id)
			return binding;
	}
	return NULL;
}

void rh_bindings_answer(struct rh_edge *edge, struct rh_frame *frame)
{
	struct rh_binding *binding;
	uint64_t           id = frame->request;

	if (frame->type != RH_FRAME_ERROR &&
	    rh_record_u64(&frame->records, RH_TAG_PAGE, &id) < 0)
		return;
	if ((binding = rh_binding_find(edge, id)))
		answer(binding, frame);
}

/* ---- rules and deadlines ------------------------------------------------ */

/* The caller finishes what is under way and asks for another page, which it may
 * not get; who does not is cut off. */
static void withdraw(struct rh_binding *binding, uint64_t patience)
{
	uint64_t break_at = rh_clock_ns() + patience;

	if (binding->state == RH_BINDING_BOUND)
		retire(binding); /* also again: a call was in it then, and is not now */
	if (binding->break_at != 0 && binding->break_at <= break_at)
		return;
	binding->break_at = break_at;
	rh_alarm_at(&binding->edge->agent->alarm, break_at);
}

static void review(struct rh_binding *binding, int verdict)
{
	if (verdict < 0)
		withdraw(binding, REVOKED_NS);
	else if (!rh_edge_binds(binding->edge))
		withdraw(binding, REPLACED_NS);
	else
		binding->break_at = 0; /* allowed again: in its own time */
}

void rh_bindings_review(struct rh_edge *edge, int verdict)
{
	RH_LIST_EACH(node, &edge->bindings)
		review(RH_CONTAINER(node, struct rh_binding, in_edge), verdict);
}

void rh_bindings_take_idle(struct rh_edge *edge)
{
	RH_LIST_EACH(node, &edge->bindings) {
		struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
		                                          in_edge);

		if (binding->is_retired && binding->head &&
		    rh_page_is_idle(binding->head))
			rh_binding_close(binding);
	}
}

static void break_off(struct rh_binding *binding)
{
	struct rh_diag diag = {
		.code = RH_EREVOKED, .text = "the edge has another protocol now",
	};

	rh_edge_judge(binding->edge, &diag);
	if (binding->state != RH_BINDING_BOUND) {
		refuse(binding, diag.code, diag.text);
		return;
	}
	rh_report(binding->edge->agent, binding->edge->agent->resource,
	          binding->edge->spec.callee, "a bound page was taken away that was not given "
	          "back, without the agent of the callee");
	rh_binding_close(binding);
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
		struct rh_alarm   *alarm = &edge->agent->alarm;

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

/* ---- ending ------------------------------------------------------------- */

static void send_unbind(struct rh_binding *binding)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	if (binding->state == RH_BINDING_WAITING || !binding->edge->conn)
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, binding->id);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, binding->instance);
	rh_conn_send(binding->edge->conn, RH_FRAME_UNBIND, 0, &writer, NULL, 0);
}

void rh_binding_close(struct rh_binding *binding)
{
	struct rh_agent *agent = binding->edge->agent;

	if (binding->state == RH_BINDING_BOUND && binding->head) {
		rh_binding_count(binding);
		rh_binding_compare(binding);
	}
	if (binding->state == RH_BINDING_BOUND)
		rh_counter_add(&agent->counters.head->bindings, (uint64_t)-1);
	send_unbind(binding);
	rh_list_remove(&binding->in_process);
	rh_list_remove(&binding->in_edge);
	if (binding->process)
		binding->process->page_count--;
	drop_memory(binding);
	free(binding);
	rh_settle_soon(agent);
}

/* ---- without a process -------------------------------------------------- */

static int map_head(struct rh_binding *binding)
{
	void *memory;
	int   r = rh_memory_map(binding->memfd, RH_PAGE_BYTES, &memory);

	if (r < 0)
		return r;
	if ((r = rh_page_check(memory)) < 0) {
		rh_memory_unmap(memory, RH_PAGE_BYTES);
		return r;
	}
	keep_head(binding, memory);
	rh_binding_resume(binding);
	return RH_OK;
}

int rh_binding_adopt(struct rh_edge *edge, uint64_t attachment, uint64_t id,
                     uint64_t instance, int memfd)
{
	struct rh_binding *binding = create(edge, attachment, id);
	struct rh_diag     diag;
	int                r = RH_OK;

	if (!binding) {
		close_fd(&memfd);
		return RH_ENOMEM;
	}
	binding->memfd = memfd;
	if (memfd >= 0 && (r = map_head(binding)) < 0) {
		drop_memory(binding);
		free(binding);
		return r;
	}
	rh_list_add(&edge->bindings, &binding->in_edge);
	bound(binding, instance);
	if (binding->head && atomic_load_explicit(&binding->head->server.life,
	                                          memory_order_relaxed) != RH_PAGE_LIVE)
		retire(binding); /* our predecessor began it */
	review(binding, rh_edge_judge(edge, &diag));
	return RH_OK;
}
