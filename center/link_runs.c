#include "link_peer.h"

#include "center.h"
#include "codetext.h"
#include "rollout_drive.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../model/error.h"

#include <stdio.h>
#include <string.h>

/* One item of either frame, read by a function; it may be of the agent's own places
 * alone. */
typedef int item_reader(struct rh_center *center, struct rh_link_conn *conn,
                        const struct rh_record_reader *reader,
                        const struct rh_run_key *key, struct rh_diag *diag);

static int read_key(const struct rh_link_conn *conn, const struct rh_record_reader *reader,
                    struct rh_run_key *key, struct rh_diag *diag)
{
	int r = rh_record_text(reader, RH_TAG_CALLEE, key->callee, sizeof key->callee);

	if ((r < 0 && r != RH_ENOENT) ||
	    rh_record_text(reader, RH_TAG_CALLER, key->caller, sizeof key->caller) < 0 ||
	    rh_record_text(reader, RH_TAG_RULE, key->rule, sizeof key->rule) < 0)
		return rh_diag_set(diag, RH_EPROTO, "what a rule does lacks its place or name");
	if (strcmp(key->caller, conn->resource) != 0 &&
	    strcmp(key->callee, conn->resource) != 0)
		return rh_diag_set(diag, RH_EIDENT, "the agent of %s tells of a rule at %s%s%s",
		                   conn->resource, key->caller, key->callee[0] ? " -> " : "",
		                   key->callee);
	snprintf(key->agent, sizeof key->agent, "%s", conn->resource);
	return RH_OK;
}

static int read_items(struct rh_center *center, struct rh_link_conn *conn,
                      const struct rh_frame *frame, item_reader *take,
                      struct rh_diag *diag)
{
	struct rh_record_reader reader = frame->records, inner;
	struct rh_record        item;
	int                     more, err = RH_OK;

	while (!err && (more = rh_record_next(&reader, &item)) > 0) {
		struct rh_run_key key = { .callee = "" };

		if (item.tag != RH_TAG_ITEM)
			continue;
		rh_record_read(&inner, item.bytes, item.len);
		err = read_key(conn, &inner, &key, diag);
		if (!err)
			err = take(center, conn, &inner, &key, diag);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "what rules do is cut off");
	return err;
}

/* ---- counts ---- */

/* In the order of enum rh_rule_failure; kinds that the agent does not know are 0. */
static int read_failures(const struct rh_record_reader *records, struct rh_run *run)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	unsigned                kind = 0;
	int                     more;

	while ((more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag != RH_TAG_ERRORS || kind == RH_FAILURES)
			continue;
		if (record.len != sizeof run->failures[0])
			return RH_EPROTO;
		memcpy(&run->failures[kind++], record.bytes, record.len);
	}
	return more;
}

/* What the kernel did not run is nobody's fault. */
static uint64_t failures_of(const struct rh_run *run)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RH_FAILURES; i++)
		sum += i == RH_FAILED_MISSED ? 0 : run->failures[i];
	return sum;
}

/* What is denied because the rule failed is an error of the call, which is counted for
 * its edge. */
static int is_counted(const struct rh_rollout *rollout)
{
	const char *policy = json_string_value(json_object_get(rollout->now.code->code,
	                                                       "onFailure"));

	return policy && strcmp(policy, "fail-closed") == 0 &&
	       !rh_protocols_is_own(rollout->now.callee);
}

/* Failures of a rule that is rolled out are errors of its roll-out; calls are counted
 * where the rule runs in programs, as no edge counts them. */
static void count_rollout(struct rh_center *center, const struct rh_run *run)
{
	static const struct rh_run none = { .calls = 0 };
	const struct rh_run *before = rh_runs_find(&center->runs, &run->key);
	struct rh_rollout   *rollout = rh_rollouts_find(&center->realm.rollouts,
	                                                run->key.rule);

	if (!rollout || rollout->state != RH_ROLLOUT_RUNNING || !rollout->now.code ||
	    rollout->now.revision != run->revision || (!before && rollout->is_resumed))
		return;
	if (!before || before->revision != run->revision || before->calls > run->calls)
		before = &none;
	if (rh_protocols_is_own(rollout->now.callee))
		rollout->calls += run->calls - before->calls;
	if (is_counted(rollout) || failures_of(run) <= failures_of(before))
		return;
	rollout->errors += failures_of(run) - failures_of(before);
	rh_rollouts_wake(center, RH_ROLLOUT_GATHER_MS);
}

static int take_stats(struct rh_center *center, struct rh_link_conn *conn,
                      const struct rh_record_reader *reader,
                      const struct rh_run_key *key, struct rh_diag *diag)
{
	struct rh_run run = { .key = *key, .told_ms = rh_when_now() };
	uint32_t      instances = 0, is_over = 0;

	(void)conn;
	if (rh_record_u64(reader, RH_TAG_REVISION, &run.revision) < 0 ||
	    rh_record_u64(reader, RH_TAG_CALLS, &run.calls) < 0 ||
	    rh_record_u64(reader, RH_TAG_TOOK, &run.ns) < 0 ||
	    rh_record_u32(reader, RH_TAG_COUNT, &instances) == RH_EPROTO ||
	    rh_record_u64(reader, RH_TAG_BYTES, &run.lines_dropped) == RH_EPROTO ||
	    rh_record_u64(reader, RH_TAG_DIFFERENCES, &run.differences) == RH_EPROTO ||
	    rh_record_u32(reader, RH_TAG_LAST, &is_over) == RH_EPROTO ||
	    read_failures(reader, &run) < 0)
		return rh_diag_set(diag, RH_EPROTO, "RULE_STATS lacks a count of rule %s",
		                   key->rule);
	run.instances = instances;
	count_rollout(center, &run);
	if (is_over)
		rh_runs_remove(&center->runs, key);
	else
		(void)rh_runs_put(&center->runs, &run); /* left_out counts what is too much */
	return RH_OK;
}

int rh_peer_rule_stats(struct rh_center *center, struct rh_link_conn *conn,
                       const struct rh_frame *frame, struct rh_diag *diag)
{
	return read_items(center, conn, frame, take_stats, diag);
}

/* ---- lines ---- */

static int take_line(struct rh_center *center, struct rh_link_conn *conn,
                     const struct rh_record_reader *reader,
                     const struct rh_run_key *key, struct rh_diag *diag)
{
	struct rh_said line = { .number = 0 };
	uint64_t       time_ns, now_ns = rh_clock_ns();

	if (rh_record_u64(reader, RH_TAG_TIME, &time_ns) < 0 ||
	    rh_record_text(reader, RH_TAG_TEXT, line.text, sizeof line.text) < 0)
		return rh_diag_set(diag, RH_EPROTO, "RULE_LOG lacks time or text");
	line.time_ms = rh_when_now();
	if (time_ns < now_ns)
		line.time_ms -= (now_ns - time_ns) / RH_NS_PER_MS;
	for (char *at = line.text; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?'; /* it is printed as it is */
	}
	snprintf(line.agent, sizeof line.agent, "%s", conn->resource);
	/* A rule that is gone says nothing any more: a ring for it would be another's. */
	if (rh_catalog_find(&center->realm.catalog, RH_OBJECT_RULE, key->rule))
		(void)rh_lines_add(&center->lines, key->rule, &line);
	return RH_OK;
}

int rh_peer_rule_log(struct rh_center *center, struct rh_link_conn *conn,
                     const struct rh_frame *frame, struct rh_diag *diag)
{
	return read_items(center, conn, frame, take_line, diag);
}
