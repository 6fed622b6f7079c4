#include "borrower.h"

#include "agent.h"
#include "codetell.h"
#include "conn.h"
#include "process.h"

#include "../base/log.h"
#include "../rules/hook.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it should have ------------------------------------------------ */

/* The loan of its key, else that of any; in force, or offered. */
static struct rh_loan *best_of(const struct rh_borrower *borrower,
                               const struct rh_loan *offered)
{
	struct rh_loan *best = NULL;

	RH_LIST_EACH(node, &borrower->process->agent->loans) {
		struct rh_loan *loan = RH_CONTAINER(node, struct rh_loan, in_agent);

		if (loan->hook != borrower->hook || (!loan->place.active && loan != offered))
			continue;
		if (strcmp(loan->key, borrower->key) == 0)
			return loan;
		if (loan->key[0] == 0)
			best = loan;
	}
	return best;
}

static void put_code(struct rh_record_writer *writer, const struct rh_codespec *spec)
{
	size_t place = rh_record_open(writer, RH_TAG_CODE_ITEM);

	rh_record_put_text(writer, RH_TAG_RULE, spec->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, spec->revision);
	rh_record_put_text(writer, RH_TAG_HOOK, spec->hook->name);
	rh_record_put_text(writer, RH_TAG_MODULE, spec->module);
	rh_record_put_text(writer, RH_TAG_MODE, spec->mode);
	rh_record_put_text(writer, RH_TAG_POLICY, rh_rule_policy_name(spec->policy));
	rh_record_put_u64(writer, RH_TAG_BYTES, spec->limits.memory_bytes);
	rh_record_put_u64(writer, RH_TAG_TOOK, (uint64_t)spec->limits.time_us * 1000);
	rh_record_put_u64(writer, RH_TAG_FUEL, spec->limits.fuel);
	for (unsigned i = 0; i < spec->param_count; i++) {
		char text[RH_RULE_PARAM_MAX + RH_RULE_VALUE_MAX + 2];

		snprintf(text, sizeof text, "%s=%s", spec->params[i].name,
		         spec->params[i].value);
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
	rh_record_close(writer, place);
}

/* code NULL: there is no rule. */
static void send_rule(struct rh_borrower *borrower, const struct rh_code *code,
                      uint64_t revision)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
	rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	if (code)
		put_code(&writer, code->spec);
	rh_conn_send(borrower->process->conn, RH_FRAME_RULE, borrower->number, &writer,
	             code ? &code->object_fd : NULL, code ? 1 : 0);
	borrower->sent = revision;
}

static void offer(struct rh_borrower *borrower, struct rh_loan *loan)
{
	if (borrower->sent == loan->offer)
		return;
	if (borrower->waits)
		rh_loan_answered(borrower, NULL); /* it will run this one instead */
	borrower->loan = loan;
	borrower->waits = 1;
	loan->waits++; /* L1 */
	send_rule(borrower, loan->offered, loan->offer);
}

void rh_borrower_serve(struct rh_borrower *borrower, struct rh_loan *offered)
{
	struct rh_loan *loan = best_of(borrower, offered);

	if (loan && loan == offered) {
		offer(borrower, loan);
		return;
	}
	if (borrower->waits)
		return; /* it is asked already, and gets the rest with the answer */
	if (loan && borrower->sent != loan->active) {
		borrower->loan = loan;
		send_rule(borrower, loan->place.active, loan->active);
	} else if (!loan && (borrower->loan || !borrower->sent)) {
		borrower->loan = NULL;
		send_rule(borrower, NULL, rh_agent_next_id(borrower->process->agent));
	}
}

/* ---- frames ------------------------------------------------------------- */

static struct rh_borrower *find(struct rh_process *process, uint64_t number,
                                unsigned *ret_count)
{
	struct rh_borrower *found = NULL;

	*ret_count = 0;
	RH_LIST_EACH(node, &process->borrowers) {
		struct rh_borrower *borrower = RH_CONTAINER(node, struct rh_borrower,
		                                            in_process);

		++*ret_count;
		if (borrower->number == number)
			found = borrower;
	}
	return found;
}

/* It lies, or is of another version: told, and nothing else. */
static int malformed(struct rh_process *process, const struct rh_frame *frame)
{
	rh_agent_malformed(process->agent);
	return rh_conn_error(process->conn, frame->request, RH_EPROTO, "a frame of type %u "
	                     "about a rule lacks something", frame->type);
}

int rh_borrower_get(struct rh_process *process, struct rh_frame *frame)
{
	struct rh_borrower   *borrower;
	const struct rh_hook *hook;
	char                  name[32], key[RH_NAME_MAX + 1] = "";
	unsigned              count;

	if (rh_record_text(&frame->records, RH_TAG_HOOK, name, sizeof name) < 0 ||
	    rh_record_text(&frame->records, RH_TAG_KEY, key, sizeof key) == RH_EPROTO ||
	    frame->request == 0)
		return malformed(process, frame);
	hook = rh_hook_find(name);
	if (!hook || rh_hook_at(hook) != RH_AT_PROCESS)
		return rh_conn_error(process->conn, frame->request, RH_ENOSYS, "a program "
		                     "asks no rules of hook %s", name);
	if (find(process, frame->request, &count))
		return malformed(process, frame);
	if (count == RH_BORROWERS_MAX)
		return rh_conn_error(process->conn, frame->request, RH_ENOSPC, "a process may "
		                     "have %u places where rules decide", RH_BORROWERS_MAX);
	if (!(borrower = calloc(1, sizeof *borrower)))
		return rh_conn_error(process->conn, frame->request, RH_ENOMEM, "no memory");
	borrower->process = process;
	borrower->number = frame->request;
	borrower->hook = hook;
	memcpy(borrower->key, key, sizeof key);
	rh_list_add(&process->borrowers, &borrower->in_process);
	rh_borrower_serve(borrower, NULL);
	return RH_OK;
}

static void close_borrower(struct rh_borrower *borrower)
{
	rh_list_remove(&borrower->in_process);
	if (borrower->waits)
		rh_loan_answered(borrower, NULL); /* who is gone runs nothing else */
	free(borrower);
}

int rh_borrower_put(struct rh_process *process, struct rh_frame *frame)
{
	unsigned            count;
	struct rh_borrower *borrower = find(process, frame->request, &count);

	if (!borrower)
		return malformed(process, frame);
	close_borrower(borrower);
	return RH_OK;
}

void rh_borrowers_close(struct rh_process *process)
{
	while (!rh_list_empty(&process->borrowers))
		close_borrower(RH_CONTAINER(process->borrowers.next, struct rh_borrower,
		                            in_process));
}

static int read_state(struct rh_borrower *borrower, struct rh_frame *frame,
                      uint32_t state, struct rh_diag *ret_why)
{
	char    text[RH_DIAG_MAX] = "it says no reason";
	int32_t code = RH_EPROTO;

	if (state == RH_ITEM_ACTIVE)
		return RH_OK;
	if (state != RH_ITEM_REJECTED ||
	    rh_record_i32(&frame->records, RH_TAG_CODE, &code) < 0 || code >= 0)
		return RH_EPROTO;
	rh_record_text(&frame->records, RH_TAG_TEXT, text, sizeof text);
	rh_diag_set(ret_why, code, "process %d refuses it%s%s: %.160s",
	            (int)borrower->process->pid, borrower->key[0] ? " at " : "",
	            borrower->key, text);
	return 1;
}

int rh_borrower_state(struct rh_process *process, struct rh_frame *frame)
{
	unsigned            count;
	struct rh_borrower *borrower = find(process, frame->request, &count);
	struct rh_diag      why;
	uint64_t            revision;
	uint32_t            state;
	int                 r;

	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) < 0 ||
	    rh_record_u32(&frame->records, RH_TAG_STATE, &state) < 0)
		return malformed(process, frame);
	if (!borrower || borrower->sent != revision)
		return RH_OK; /* of what it does not have any more */
	r = read_state(borrower, frame, state, &why);
	if (r < 0)
		return malformed(process, frame);
	if (borrower->waits)
		rh_loan_answered(borrower, r ? &why : NULL);
	else if (r)
		rh_warn_often("what is in force for %s is not what it runs: %s",
		              process->exe, why.text);
	return RH_OK;
}

/* ERRORS stand there by kind, in order. */
static int read_failures(const struct rh_frame *frame, uint64_t failures[RH_FAILURES])
{
	struct rh_record_reader reader = frame->records, one;
	struct rh_record        record;
	unsigned                kind = 0;
	int                     more;

	reader.at = 0;
	while ((more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag != RH_TAG_ERRORS || kind == RH_FAILURES)
			continue;
		rh_record_read(&one, record.bytes - 8, 8 + record.len);
		if (rh_record_u64(&one, RH_TAG_ERRORS, &failures[kind++]) < 0)
			return RH_EPROTO;
	}
	return more;
}

/* Behind a CODE the first text is no line, but why the rule failed. */
static void write_lines(const struct rh_borrower *borrower, const struct rh_code *code,
                        const struct rh_frame *frame, char why[RH_DIAG_MAX])
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	char                    text[RH_RULE_LOG_MAX + 1];
	int                     is_why = 0;

	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		if (record.tag == RH_TAG_CODE) {
			is_why = 1;
		} else if (record.tag == RH_TAG_TEXT && is_why) {
			rh_record_copy_text(&record, why, RH_DIAG_MAX);
			is_why = 0;
		} else if (record.tag == RH_TAG_TEXT &&
		           rh_record_copy_text(&record, text, sizeof text) == RH_OK) {
			rh_info("rule %s in process %d: %s", code->spec->rule,
			        (int)borrower->process->pid, text);
			rh_codetell_line(code, text);
		}
	}
}

/* It says how many it has made; counted are those of all processes. */
static void count_instances(struct rh_borrower *borrower, struct rh_code *code,
                            uint64_t revision, uint32_t made)
{
	if (borrower->told_of != revision)
		borrower->instances = 0;
	borrower->told_of = revision;
	if (made <= borrower->instances)
		return;
	code->counters.instances += made - borrower->instances;
	borrower->instances = made;
}

int rh_borrower_counts(struct rh_process *process, struct rh_frame *frame)
{
	unsigned            count;
	struct rh_borrower *borrower = find(process, frame->request, &count);
	uint64_t            revision, calls = 0, ns = 0, failures[RH_FAILURES] = { 0 };
	uint32_t            made = 0;
	char                why[RH_DIAG_MAX] = "it says no reason";
	struct rh_code     *code;

	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_CALLS, &calls) == RH_EPROTO ||
	    rh_record_u64(&frame->records, RH_TAG_TOOK, &ns) == RH_EPROTO ||
	    rh_record_u32(&frame->records, RH_TAG_COUNT, &made) == RH_EPROTO ||
	    read_failures(frame, failures) < 0)
		return malformed(process, frame);
	code = borrower && borrower->loan ? borrower->loan->place.active : NULL;
	if (!code || borrower->loan->active != revision)
		return RH_OK; /* of one that is gone by now */
	code->calls += calls;
	code->ns += ns;
	for (int kind = 0; kind < RH_FAILURES; kind++)
		code->counters.failures[kind] += failures[kind];
	count_instances(borrower, code, revision, made);
	rh_codetell_changed(process->agent);
	write_lines(borrower, code, frame, why);
	rh_trial_look(borrower->loan, why);
	return RH_OK;
}
