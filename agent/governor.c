#include "governor.h"

#include "agent.h"
#include "conn.h"
#include "fibers.h"
#include "governed.h"
#include "leave.h"
#include "rank.h"
#include "result.h"
#include "rules.h"
#include "settle.h"
#include "steer.h"
#include "weigh.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/peer.h"
#include "../rules/hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS     500u
#define BEAT_DUE_MS 100u /* threads that come begin without a deadline */
#define SAVE_MS     50u
#define TRACE_MS    250u /* programs are told again to write down what happens */
#define ASK_MS      10u  /* until programs that were asked are looked at again */
#define NEWCOMERS   256u /* that wait at a time */

/* Who made itself known, and is answered when the rule is on it. */
struct newcomer {
	struct rh_list      in_governor;
	struct rh_governor *governor;
	struct rh_conn     *conn;
	uint64_t            request;
	uint64_t            revision;  /* that it waits for; 0: it was answered  */
};

struct rh_governor {
	struct rh_agent    *agent;
	struct rh_task      task;      /* puts next in force                     */
	struct rh_task      sweeping;  /* puts active on who came                */
	struct rh_task      answering; /* who waits for what is in force now     */
	struct rh_list      newcomers;
	unsigned            newcomer_count;
	uv_timer_t          beat;
	uv_timer_t          save;
	uv_timer_t          asking;    /* programs that have not answered        */
	uv_timer_t          tracing;   /* somebody reads what happens to threads */
	struct rh_governed  set;
	struct rh_weigh     weigh;
	struct rh_schedspec active;    /* rule "": none                          */
	struct rh_steer     steer;     /* of active                              */
	struct rh_schedspec next;      /* rule "": none                          */
	struct rh_steer     coming;    /* of next, that programs were asked for  */
	uint64_t            until_ms;  /* they may take; 0: nothing is coming    */
	struct rh_diag      lack;      /* what the kernel refused at the last look */
	struct rh_schedspec refused;   /* rule "": the last one was not          */
	uint64_t            item;      /* revision of the resource's             */
	uint64_t            refused_at; /* ... that refused is of                */
	struct rh_diag      told;      /* what is not in force, as it was told   */
	int                 is_watched; /* the set was looked at for a rule of code alone */
	int                 is_stale;  /* what was told is of another item, perhaps */
};

static void on_answering(struct rh_task *task);
static void on_sweeping(struct rh_task *task);

static int is_none(const struct rh_schedspec *spec)
{
	return spec->rule[0] == '\0';
}

/* No policy is in force or coming. */
static int is_idle(const struct rh_governor *governor)
{
	return is_none(&governor->active) && is_none(&governor->next);
}

/* Threads shall be ordered by code, which runtimes alone ask. */
static int has_code(const struct rh_governor *governor)
{
	return rh_codespecs_find(&governor->agent->view->self.codes,
	                         rh_hook_find("sched")) != NULL;
}

/* ---- the file --------------------------------------------------------------- */

static void save(struct rh_governor *governor)
{
	const struct rh_schedspec *active = &governor->active;
	char                       path[PATH_MAX], about[2 * RH_NAME_MAX];

	if (!governor->set.is_changed)
		return;
	snprintf(about, sizeof about, "%s %s %s", is_none(active) ? "-" : active->rule,
	         is_none(active) ? "-" : rh_sched_use_text(active->says.use),
	         is_none(active) ? "-" : rh_sched_carrier_text(active->says.carrier));
	if (rh_agent_path(governor->agent, governor->agent->resource, "governed", path,
	                  sizeof path) < 0 ||
	    rh_governed_save(&governor->set, path, about) < 0)
		rh_warn_often("what is governed cannot be written: an agent that is started "
		              "again will not know of it");
}

static void on_save(uv_timer_t *timer)
{
	struct rh_governor *governor = timer->data;

	rh_log_as(governor->agent->name);
	save(governor);
}

static void save_soon(struct rh_governor *governor)
{
	if (!uv_is_active((uv_handle_t *)&governor->save))
		uv_timer_start(&governor->save, on_save, SAVE_MS, 0);
}

/* ---- putting it on ---------------------------------------------------------- */

static void tell(struct rh_governor *governor, const struct rh_diag *why)
{
	struct rh_agent *agent = governor->agent;

	if (!governor->is_stale && governor->told.code == why->code &&
	    strcmp(governor->told.text, why->text) == 0)
		return;
	governor->told = *why;
	governor->is_stale = 0;
	if (why->code)
		rh_warn("rule %s: %s", is_none(&governor->active) ? "of code"
		                                                  : governor->active.rule, why->text);
	rh_result_partial(agent, agent->resource, "", governor->item, why->code ? why : NULL);
}

/* What threads had before is on disk before they have something else. */
static void look(struct rh_governor *governor, const struct rh_steer *steer)
{
	rh_governed_look(&governor->set, rh_steer_is_on, (void *)(uintptr_t)steer);
	rh_fibers_look(&governor->set);
	save(governor);
}

/* Before their class changes: where groups bound real-time threads those of other policies
 * do not leave it. */
static void unweigh(struct rh_governor *governor, struct rh_diag *lack)
{
	struct rh_diag why;

	rh_weigh_release(&governor->weigh, &governor->set, &why);
	if (!lack->code)
		*lack = why;
	save(governor);
}

/* Of a rule without weight, too: who left the group may have ended since. */
static void weigh(struct rh_governor *governor, const struct rh_schedspec *spec,
                  struct rh_diag *lack)
{
	struct rh_diag why = { .code = RH_OK };
	int            weight = spec->says.at[RH_SCHED_WEIGHT];

	if (!weight) {
		unweigh(governor, lack);
		return;
	}
	if (rh_weigh_look(&governor->weigh, &governor->set, &why) == RH_OK) {
		save(governor);
		rh_weigh_put(&governor->weigh, &governor->set, weight, &why);
	}
	if (!lack->code)
		*lack = why;
}

static void on_asking(uv_timer_t *timer);

/* The programs under `fiber`, for what is coming or in force.  Returns how many have not
 * answered; they are looked at again. */
static unsigned ask_fibers(struct rh_governor *governor, struct rh_diag *why)
{
	const struct rh_schedspec *spec = governor->until_ms          ? &governor->next
	                                : is_none(&governor->active) ? NULL
	                                                             : &governor->active;
	unsigned pending = rh_fibers_put(&governor->set, spec, rh_clock_ns() / RH_NS_PER_MS,
	                                 why);

	if (pending)
		uv_timer_start(&governor->asking, on_asking, ASK_MS, 0);
	save(governor);
	return pending;
}

static int is_code_active(const struct rh_governor *governor)
{
	struct rh_agent *agent = governor->agent;
	struct rh_diag   ignored;

	return has_code(governor) && rh_settle_is(agent, agent->resource, "") &&
	       !rh_result_rejected(agent, agent->resource, "", &ignored);
}

/* What was told stands while somebody may still answer. */
static void settle_fibers(struct rh_governor *governor)
{
	struct rh_diag why;

	if (ask_fibers(governor, &why) || is_none(&governor->active))
		return;
	if (!why.code && is_code_active(governor))
		rh_fibers_check_code(&governor->set, &why);
	tell(governor, governor->lack.code ? &governor->lack : &why);
}

/* Looks for programs that a rule of code without a policy does not reach. */
static void watch(struct rh_governor *governor)
{
	struct rh_diag why;

	if (!is_idle(governor) || !has_code(governor))
		return;
	governor->is_watched = 1;
	rh_governed_look(&governor->set, NULL, NULL);
	rh_fibers_look(&governor->set);
	save(governor);
	if (!is_code_active(governor))
		return;
	rh_fibers_check_code(&governor->set, &why);
	tell(governor, &why);
}

/* What threads had meanwhile is not what they had before a rule. */
static void unwatch(struct rh_governor *governor)
{
	if (!governor->is_watched)
		return;
	governor->is_watched = 0;
	governor->is_stale = 1;
	governor->told = (struct rh_diag){ .code = RH_OK };
	rh_governed_release(&governor->set);
}

static void sweep(struct rh_governor *governor)
{
	const struct rh_steer *steer = governor->until_ms ? &governor->coming
	                                                  : &governor->steer;

	look(governor, steer);
	rh_steer_put(steer, &governor->set, &governor->lack);
	weigh(governor, governor->until_ms ? &governor->next : &governor->active,
	      &governor->lack);
	save(governor);
	if (!governor->until_ms)
		settle_fibers(governor);
}

static void start_beat(struct rh_governor *governor);

static void on_beat(uv_timer_t *timer)
{
	struct rh_governor *governor = timer->data;
	struct rh_diag      ignored = { .code = RH_OK };

	rh_log_as(governor->agent->name);
	if (!is_none(&governor->active)) {
		sweep(governor);
		return;
	}
	weigh(governor, &governor->active, &ignored);
	watch(governor);
	start_beat(governor);
}

static void start_beat(struct rh_governor *governor)
{
	uint64_t ms = governor->active.says.use == RH_SCHED_DEADLINE ? BEAT_DUE_MS : BEAT_MS;

	if (is_none(&governor->active) && !has_code(governor) ? !governor->set.group[0]
	                                                      : governor->set.count == 0)
		uv_timer_stop(&governor->beat);
	else
		uv_timer_start(&governor->beat, on_beat, ms, ms);
}

/* ---- a rule goes ------------------------------------------------------------ */

static void lower(const struct rh_schedspec *spec, const struct rh_steer *steer)
{
	if (!steer->lacks.code)
		rh_rank_lower(&spec->says);
}

static void release(struct rh_governor *governor)
{
	struct rh_diag why = { .code = RH_OK }, stays = { .code = RH_OK };

	look(governor, &governor->steer);
	unweigh(governor, &stays);
	rh_steer_restore(&governor->steer, &governor->set, &why);
	if (!why.code)
		why = stays;
	rh_info("rule %s orders the threads of %s no more", governor->active.rule,
	        governor->agent->resource);
	lower(&governor->active, &governor->steer);
	governor->active = (struct rh_schedspec){ .rule = "" };
	settle_fibers(governor);
	rh_governed_release(&governor->set);
	save(governor);
	start_beat(governor);
	tell(governor, &why);
}

/* ---- a rule comes ----------------------------------------------------------- */

static void refuse(struct rh_governor *governor, const struct rh_diag *why)
{
	struct rh_agent *agent = governor->agent;

	governor->refused = governor->next;
	governor->refused_at = governor->item;
	governor->next = (struct rh_schedspec){ .rule = "" };
	rh_rules_reject(agent, agent->resource, "", governor->item, why);
}

/* One that no thread can have gives the former one back to those it was tried on. */
static void take_back(struct rh_governor *governor)
{
	struct rh_diag ignored = { .code = RH_OK };

	if (is_none(&governor->active))
		rh_governed_release(&governor->set);
	else
		rh_steer_put(&governor->steer, &governor->set, &ignored);
	weigh(governor, &governor->active, &ignored);
	save(governor);
}

static void adopt(struct rh_governor *governor)
{
	if (!is_none(&governor->active))
		lower(&governor->active, &governor->steer);
	governor->active = governor->next;
	governor->steer = governor->coming;
	governor->until_ms = 0;
	governor->next = (struct rh_schedspec){ .rule = "" };
	governor->refused = governor->next;
	governor->set.is_changed = 1; /* the rule stands in the file */
}

static void enforce(struct rh_governor *governor, const struct rh_diag *why)
{
	struct rh_agent *agent = governor->agent;

	adopt(governor);
	save(governor);
	start_beat(governor);
	rh_task_post(&agent->tasks, &governor->answering, on_answering);
	rh_info("rule %s at revision %llu orders %u threads of %s: %s", governor->active.rule,
	        (unsigned long long)governor->active.revision, governor->set.threads,
	        agent->resource, rh_sched_use_text(governor->active.says.use));
	if (rh_settle_is(agent, agent->resource, ""))
		rh_rules_settled(agent, agent->resource, "");
	governor->told = (struct rh_diag){ .code = RH_OK };
	tell(governor, governor->lack.code ? &governor->lack : why);
}

/* Until all have answered that do so in time. */
static void go_on(struct rh_governor *governor)
{
	struct rh_diag why;

	if (ask_fibers(governor, &why) == 0 ||
	    rh_clock_ns() / RH_NS_PER_MS >= governor->until_ms)
		enforce(governor, &why);
}

static void on_asking(uv_timer_t *timer)
{
	struct rh_governor *governor = timer->data;

	rh_log_as(governor->agent->name);
	if (governor->until_ms)
		go_on(governor);
	else
		settle_fibers(governor);
}

static int is_for_fiber(const struct rh_schedspec *spec)
{
	return spec->says.carrier == RH_SCHED_FIBER;
}

/* Puts the class on all others.  RH_OK, or what none of them may have. */
static int try(struct rh_governor *governor, struct rh_diag *why)
{
	struct rh_steer *steer = &governor->coming;
	struct rh_diag   ignored = { .code = RH_OK };
	int              priority = 0;

	if (rh_steer_check(&governor->next, why) < 0)
		return why->code;
	*why = (struct rh_diag){ .code = RH_OK };
	rh_rank_raise(&governor->next.says, &priority, why); /* V1 */
	rh_steer_init(steer, &governor->next, priority, governor->set.slice_ns);
	steer->lacks = *why;
	look(governor, is_none(&governor->active) ? steer : &governor->steer);
	if (steer->lacks.code && !is_for_fiber(&governor->next) &&
	    !rh_fibers_is_any(&governor->set)) {
		take_back(governor);
		return why->code;
	}
	if (is_for_fiber(&governor->next) && !is_none(&governor->active) &&
	    !is_for_fiber(&governor->active))
		rh_steer_leave_fibers(&governor->set);
	if (!governor->next.says.at[RH_SCHED_WEIGHT])
		unweigh(governor, &ignored);
	if (rh_steer_put(steer, &governor->set, why) == RH_OK) {
		weigh(governor, &governor->next, why);
		return RH_OK;
	}
	lower(&governor->next, steer);
	take_back(governor);
	return why->code;
}

static void start(struct rh_task *task)
{
	struct rh_governor *governor = RH_CONTAINER(task, struct rh_governor, task);

	if (is_none(&governor->next))
		return;
	rh_task_post(&governor->agent->tasks, &governor->answering, on_answering);
	if (try(governor, &governor->lack) < 0) {
		struct rh_diag why = governor->lack;

		refuse(governor, &why);
		return;
	}
	governor->until_ms = rh_clock_ns() / RH_NS_PER_MS + 2 * RH_FIBERS_PATIENCE_MS;
	uv_timer_stop(&governor->beat);
	go_on(governor);
}

static int is_refused(const struct rh_governor *governor, const struct rh_schedspec *wanted)
{
	return !is_none(&governor->refused) && governor->refused_at == governor->item &&
	       rh_schedspec_is_same(&governor->refused, wanted);
}

/* What is in force is still told with the item, which may be a new one. */
static void stay(struct rh_governor *governor, const struct rh_schedspec *wanted)
{
	struct rh_diag told = governor->told;

	if (!is_none(wanted))
		governor->active.revision = wanted->revision;
	else
		unweigh(governor, &told); /* that a former agent left */
	governor->told = (struct rh_diag){ .code = RH_OK };
	if (told.code || !has_code(governor))
		tell(governor, &told);
}

void rh_governor_apply(struct rh_agent *agent)
{
	struct rh_governor        *governor = agent->governor;
	const struct rh_schedspec *wanted = &agent->view->self.sched;
	const struct rh_item      *item = rh_items_find(&agent->items, agent->resource, "");

	if (governor->until_ms)
		adopt(governor);
	governor->item = item ? item->revision : 0;
	rh_task_post(&agent->tasks, &governor->answering, on_answering);
	if (has_code(governor))
		rh_task_post(&agent->tasks, &governor->sweeping, on_sweeping);
	unwatch(governor);
	governor->next = (struct rh_schedspec){ .rule = "" };
	if (!is_none(wanted) && is_refused(governor, wanted))
		return;
	if (is_none(wanted) && !is_none(&governor->active))
		release(governor);
	else if (is_none(wanted) || rh_schedspec_is_same(wanted, &governor->active))
		stay(governor, wanted);
	else {
		governor->next = *wanted;
		rh_task_post(&agent->tasks, &governor->task, start);
	}
}

int rh_governor_is_settled(const struct rh_agent *agent)
{
	return is_none(&agent->governor->next);
}

/* ---- processes -------------------------------------------------------------- */

static void on_sweeping(struct rh_task *task)
{
	struct rh_governor *governor = RH_CONTAINER(task, struct rh_governor, sweeping);

	if (!is_none(&governor->active) || governor->until_ms)
		sweep(governor);
	else
		watch(governor);
	start_beat(governor);
}

void rh_governor_note(struct rh_agent *agent, pid_t pid)
{
	struct rh_governor *governor = agent->governor;

	if (rh_governed_add(&governor->set, pid, 0) < 0) {
		rh_warn_often("process %d is not governed: there are %u", (int)pid,
		              governor->set.count);
		return;
	}
	if (is_none(&governor->active) && !governor->until_ms)
		save_soon(governor);
	rh_task_post(&agent->tasks, &governor->sweeping, on_sweeping);
}

static void put_answer(struct rh_governor *governor, struct rh_record_writer *writer)
{
	const struct rh_agent *agent = governor->agent;
	struct rh_diag         why = governor->told;

	rh_result_rejected(agent, agent->resource, "", &why);
	rh_record_begin(writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
	if (!is_none(&governor->active))
		rh_schedspec_put(writer, &governor->active);
	if (why.code) {
		rh_record_put_i32(writer, RH_TAG_CODE, why.code);
		rh_record_put_text(writer, RH_TAG_TEXT, why.text);
	}
}

/* When what it waits for has come, and is in force or was refused.  RH_ELOST: that is all
 * there was to say. */
static int answer(struct newcomer *newcomer)
{
	struct rh_governor     *governor = newcomer->governor;
	struct rh_record_writer writer;

	if (newcomer->revision == 0 || !is_none(&governor->next) ||
	    governor->agent->view->revision < newcomer->revision)
		return RH_OK;
	newcomer->revision = 0;
	put_answer(governor, &writer);
	int r = rh_conn_send(newcomer->conn, RH_FRAME_GOVERNED, newcomer->request, &writer,
	                     NULL, 0);
	return r == RH_OK && rh_conn_is_flushed(newcomer->conn) ? RH_ELOST : r;
}

static void drop_newcomer(struct newcomer *newcomer)
{
	rh_list_remove(&newcomer->in_governor);
	newcomer->governor->newcomer_count--;
	rh_conn_close(newcomer->conn);
	free(newcomer);
}

static void on_answering(struct rh_task *task)
{
	struct rh_governor *governor = RH_CONTAINER(task, struct rh_governor, answering);

	RH_LIST_EACH(node, &governor->newcomers) {
		struct newcomer *newcomer = RH_CONTAINER(node, struct newcomer, in_governor);

		if (answer(newcomer) < 0)
			drop_newcomer(newcomer);
	}
}

/* It has nothing more to say, and hangs up when it becomes another program. */
static int on_frame(void *user, struct rh_frame *frame)
{
	(void)user;
	(void)frame;
	return RH_EPROTO;
}

static void on_lost(void *user, int why)
{
	(void)why;
	drop_newcomer(user);
}

static const struct rh_conn_ops conn_ops = { .frame = on_frame, .lost = on_lost };

static int add_process(struct rh_governor *governor, const struct rh_peer *peer,
                       const struct rh_frame *frame, struct rh_diag *diag)
{
	char carrier[8] = "";
	int  r;

	rh_record_text(&frame->records, RH_TAG_MODE, carrier, sizeof carrier);
	if (strcmp(carrier, "ask") == 0)
		return RH_OK;
	r = rh_governed_add(&governor->set, peer->pid, strcmp(carrier, "fiber") == 0);
	if (r == RH_ENOENT)
		return rh_diag_set(diag, RH_EIDENT, "process %d ended before it could be "
		                   "identified", (int)peer->pid);
	if (r < 0)
		return rh_diag_set(diag, r, "process %d is not governed: %s has %u already",
		                   (int)peer->pid, governor->agent->resource,
		                   governor->set.count);
	return RH_OK;
}

int rh_governor_take(struct rh_agent *agent, struct rh_conn *conn, const struct rh_peer *peer,
                     struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_governor *governor = agent->governor;
	struct newcomer    *newcomer;
	int                 r;

	if (governor->newcomer_count == NEWCOMERS)
		return rh_diag_set(diag, RH_ENOSPC, "%u processes wait to be governed already",
		                   NEWCOMERS);
	r = add_process(governor, peer, frame, diag);
	if (r < 0)
		return r;
	newcomer = calloc(1, sizeof *newcomer);
	if (!newcomer)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for process %d", (int)peer->pid);
	*newcomer = (struct newcomer){ .governor = governor, .conn = conn,
	                               .request = frame->request, .revision = 1 };
	rh_record_u64(&frame->records, RH_TAG_REVISION, &newcomer->revision);
	rh_list_add(&governor->newcomers, &newcomer->in_governor);
	governor->newcomer_count++;
	rh_conn_hand_over(conn, &conn_ops, newcomer);
	if (is_none(&governor->active) && !governor->until_ms)
		save(governor);
	else
		sweep(governor);
	start_beat(governor);
	rh_task_post(&agent->tasks, &governor->answering, on_answering);
	return RH_OK;
}

/* ---- what happens to threads ------------------------------------------------ */

/* Programs that are not told again stop by themselves. */
static void on_tracing(uv_timer_t *timer)
{
	struct rh_governor *governor = timer->data;

	rh_log_as(governor->agent->name);
	rh_fibers_trace(&governor->set, rh_clock_ns() + 4 * TRACE_MS * RH_NS_PER_MS);
}

void rh_governor_trace(struct rh_agent *agent)
{
	on_tracing(&agent->governor->tracing);
	uv_timer_start(&agent->governor->tracing, on_tracing, TRACE_MS, TRACE_MS);
}

void rh_governor_untrace(struct rh_agent *agent)
{
	if (!agent->governor)
		return;
	uv_timer_stop(&agent->governor->tracing);
	rh_fibers_trace(&agent->governor->set, 0);
}

/* ---- begin and end ---------------------------------------------------------- */

int rh_governor_init(struct rh_agent *agent)
{
	struct rh_governor *governor = calloc(1, sizeof *governor);

	agent->governor = governor;
	if (!governor || uv_timer_init(agent->loop, &governor->beat) < 0 ||
	    uv_timer_init(agent->loop, &governor->save) < 0 ||
	    uv_timer_init(agent->loop, &governor->asking) < 0 ||
	    uv_timer_init(agent->loop, &governor->tracing) < 0)
		return RH_ENOMEM;
	governor->agent = agent;
	governor->beat.data = governor->save.data = governor->asking.data = governor;
	governor->tracing.data = governor;
	rh_task_init(&governor->task);
	rh_task_init(&governor->sweeping);
	rh_task_init(&governor->answering);
	rh_list_init(&governor->newcomers);
	rh_governed_init(&governor->set);
	rh_weigh_init(&governor->weigh, agent->run_dir, agent->resource);
	return RH_OK;
}

void rh_governor_start(struct rh_agent *agent)
{
	char path[PATH_MAX];

	if (rh_agent_path(agent, agent->resource, "governed", path, sizeof path) >= 0)
		rh_governed_load(&agent->governor->set, path);
}

void rh_governor_close(struct rh_agent *agent)
{
	struct rh_governor *governor = agent->governor;

	if (governor && governor->until_ms)
		adopt(governor);
	if (governor && !is_none(&governor->active))
		release(governor);
}

void rh_governor_leave(struct rh_agent *agent)
{
	struct rh_governor *governor = agent->governor;

	if (!governor)
		return;
	rh_governor_close(agent);
	rh_task_cancel(&governor->task);
	rh_task_cancel(&governor->sweeping);
	rh_task_cancel(&governor->answering);
	while (!rh_list_empty(&governor->newcomers))
		drop_newcomer(RH_CONTAINER(governor->newcomers.next, struct newcomer,
		                           in_governor));
	rh_leave_close(agent, (uv_handle_t *)&governor->beat);
	rh_leave_close(agent, (uv_handle_t *)&governor->save);
	rh_leave_close(agent, (uv_handle_t *)&governor->asking);
	rh_leave_close(agent, (uv_handle_t *)&governor->tracing);
}

void rh_governor_free(struct rh_agent *agent)
{
	if (!agent->governor)
		return;
	rh_governed_fini(&agent->governor->set);
	free(agent->governor);
	agent->governor = NULL;
}
