#include "link_peer.h"

#include "center.h"
#include "change.h"
#include "observer.h"
#include "rollout_drive.h"
#include "store/store.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORTS_A_SECOND 20u
#define REPORT_ITEMS_MAX 64u
#define REPORT_TEXT_MAX  255u

/* ---- SUBSCRIBE and CREDIT ---- */

static int check_credit(const struct rh_link_conn *conn, uint64_t bytes,
                        struct rh_diag *diag)
{
	if (bytes <= RH_LINK_CREDIT_MAX &&
	    conn->subscriber.feed.credit + (int64_t)bytes <= (int64_t)RH_LINK_CREDIT_MAX)
		return RH_OK;
	return rh_diag_set(diag, RH_EPROTO, "it grants %llu bytes, with which it would "
	                   "have granted more than %u", (unsigned long long)bytes,
	                   RH_LINK_CREDIT_MAX);
}

static int is_own_store(const struct rh_center *center, const struct rh_frame *frame)
{
	struct rh_record     store;
	struct rh_store_info info;

	rh_store_info(center->store, &info);
	return rh_record_find(&frame->records, RH_TAG_STORE, &store) == RH_OK &&
	       store.len == sizeof info.id &&
	       memcmp(store.bytes, info.id, sizeof info.id) == 0;
}

int rh_peer_subscribe(struct rh_center *center, struct rh_link_conn *conn,
                      const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_feed_ask ask = { .is_same_store = is_own_store(center, frame) };
	uint64_t           began = rh_is_observed(conn->link) ? rh_clock_ns() : 0;

	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &ask.have) < 0 ||
	    rh_record_u64(&frame->records, RH_TAG_BYTES, &ask.credit) == RH_EPROTO)
		return rh_diag_set(diag, RH_EPROTO, "SUBSCRIBE lacks a revision, or its "
		                   "credit has a wrong length");
	int err = check_credit(conn, ask.credit, diag);
	if (!err)
		err = rh_push_subscribe(center->push, &conn->subscriber, &frame->records,
		                        &ask, diag);
	if (err)
		return err;
	if (conn->state == RH_PEER_GREETED)
		conn->came_with = ask.is_same_store ? ask.have : 0;
	conn->state = RH_PEER_SUBSCRIBED;
	if (rh_is_observed(conn->link))
		rh_observe_subscribed(conn, frame, began);
	return RH_OK;
}

int rh_peer_credit(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag)
{
	uint64_t bytes = 0;

	(void)center;
	if (rh_record_u64(&frame->records, RH_TAG_BYTES, &bytes) < 0)
		return rh_diag_set(diag, RH_EPROTO, "CREDIT lacks its bytes");
	int err = check_credit(conn, bytes, diag);
	if (!err)
		rh_feed_credit(&conn->subscriber.feed, bytes);
	return err;
}

/* ---- RESULT ---- */

static int read_name(const struct rh_record_reader *reader, uint16_t tag,
                     struct rh_name *ret_name)
{
	char text[RH_NAME_MAX + 1];
	int  err = rh_record_text(reader, tag, text, sizeof text);

	if (err)
		return err;
	return rh_name_init(ret_name, text, strlen(text)) == RH_OK ? RH_OK : RH_EPROTO;
}

/* The key of an item that concerns the peer's resource. */
static int read_key(const struct rh_link_conn *conn,
                    const struct rh_record_reader *reader,
                    struct rh_item_key *ret_key, struct rh_diag *diag)
{
	struct rh_item_key key = { .callee = { .len = 0 } };
	int err = read_name(reader, RH_TAG_CALLER, &key.caller);
	int of_callee = read_name(reader, RH_TAG_CALLEE, &key.callee);

	if (err || (of_callee && of_callee != RH_ENOENT))
		return rh_diag_set(diag, RH_EPROTO, "an item lacks a name");
	if (!rh_item_concerns(&key, &conn->subscriber.feed.resource))
		return rh_diag_set(diag, RH_EIDENT, "the agent of %s speaks for %s%s%s",
			conn->resource, key.caller.text, key.callee.len ? " -> " : "",
			key.callee.text);
	*ret_key = key;
	return RH_OK;
}

/* A text that is cut to what fits. */
static void copy_text(const struct rh_record_reader *reader, char *text, size_t cap)
{
	struct rh_record record;

	text[0] = '\0';
	if (rh_record_find(reader, RH_TAG_TEXT, &record) != RH_OK)
		return;
	if (record.len >= cap)
		record.len = (uint32_t)cap - 1;
	(void)rh_record_copy_text(&record, text, cap);
}

/* What is in force instead may be of another store, as when this one is a backup: then its
 * revision says nothing of the rules here. */
static uint64_t former_of(const struct rh_link_conn *conn, const struct rh_result *result)
{
	struct rh_store_info info;

	rh_store_info(conn->link->center->store, &info);
	return result->former > result->revision || result->former <= info.compacted
	     ? 0 : result->former;
}

static int read_result(const struct rh_link_conn *conn, const struct rh_record *item,
                       struct rh_item_key *ret_key, struct rh_result *ret_result,
                       struct rh_diag *diag)
{
	struct rh_record_reader reader;
	struct rh_result        result = { .code = 0 };
	uint32_t                state = 0;

	rh_record_read(&reader, item->bytes, item->len);
	int err = read_key(conn, &reader, ret_key, diag);
	if (err)
		return err;
	if (rh_record_u64(&reader, RH_TAG_REVISION, &result.revision) < 0 ||
	    rh_record_u32(&reader, RH_TAG_STATE, &state) < 0 ||
	    rh_record_i32(&reader, RH_TAG_CODE, &result.code) == RH_EPROTO ||
	    rh_record_u64(&reader, RH_TAG_PREV, &result.former) == RH_EPROTO ||
	    state == 0 || state >= RH_ITEM_STATES)
		return rh_diag_set(diag, RH_EPROTO, "a result lacks its revision or state");
	if (result.revision > conn->subscriber.feed.sent)
		return rh_diag_set(diag, RH_EPROTO, "a result of revision %llu, but only "
			"%llu was sent", (unsigned long long)result.revision,
			(unsigned long long)conn->subscriber.feed.sent);
	result.state = (uint8_t)state;
	result.former = former_of(conn, &result);
	copy_text(&reader, result.text, sizeof result.text);
	*ret_result = result;
	return RH_OK;
}

static void keep(struct rh_center *center, struct rh_link_conn *conn,
                 const struct rh_item_key *key, const struct rh_result *result)
{
	struct rh_subscriber *subscriber = &conn->subscriber;

	rh_results_put(&subscriber->results, &subscriber->feed.resource, key, result);
	rh_link_tell_result(center, conn, key, result);
}

/* Reads all items; keeps them when is_sure. */
static int read_results(struct rh_center *center, struct rh_link_conn *conn,
                        const struct rh_frame *frame, int is_sure,
                        struct rh_diag *diag)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        item;
	struct rh_item_key      key;
	struct rh_result        result;
	int                     more, err = RH_OK;

	while (!err && (more = rh_record_next(&reader, &item)) > 0) {
		if (item.tag != RH_TAG_RESULT_ITEM)
			continue;
		err = read_result(conn, &item, &key, &result, diag);
		if (!err && is_sure && rh_push_is_latest(center->push, &conn->subscriber,
		                                         &key, conn->subscriber.feed.acked))
			keep(center, conn, &key, &result);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "RESULT is cut off");
	return err;
}

int rh_peer_result(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_feed *feed = &conn->subscriber.feed;
	uint64_t        revision = 0, acked = feed->acked;

	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) < 0)
		return rh_diag_set(diag, RH_EPROTO, "RESULT lacks its revision");
	uint64_t before = conn->has_settled ? feed->acked
	                : conn->came_with ? conn->came_with : revision;
	int err = read_results(center, conn, frame, 0, diag);
	if (err)
		return err;
	if (rh_feed_ack(feed, revision) != RH_OK)
		return rh_diag_set(diag, RH_EPROTO, "it settles revision %llu, but was sent "
			"%llu and had settled %llu", (unsigned long long)revision,
			(unsigned long long)feed->sent, (unsigned long long)feed->acked);
	read_results(center, conn, frame, 1, diag);
	conn->has_settled |= revision > 0;
	conn->subscriber.is_unsaid = 0;
	center->counts.results++;
	rh_failpoint("result-taken");
	rh_link_tell_settled(center, conn, before);
	if (rh_is_observed(conn->link) && feed->acked > acked)
		rh_observe_settled(conn);
	rh_rollouts_wake(center, RH_ROLLOUT_GATHER_MS);
	return RH_OK;
}

/* ---- REPORT ---- */

static char *report_text(const struct rh_link_conn *conn, const struct rh_item_key *key,
                         uint32_t count, const char *text)
{
	struct rh_client  client = {
		.pid = conn->pid, .uid = conn->uid, .channel = "link",
	};
	struct rh_problem problem;

	rh_problem_set(&problem, RH_EREVOKED, "%u by force: %s", count, text);
	snprintf(problem.caller, sizeof problem.caller, "%s", key->caller.text);
	snprintf(problem.callee, sizeof problem.callee, "%s", key->callee.text);
	return rh_audit_text(&(struct rh_audit){
		.client = &client, .verb = "report", .result = "forced",
		.kind = "Resource", .name = conn->resource, .problem = &problem,
	});
}

/* 1 when one more may be written in this second. */
static int may_write(struct rh_link *link)
{
	uint64_t second = rh_clock_ns() / RH_NS_PER_S;

	if (!link)
		return 1;
	if (second != link->report_second) {
		link->report_second = second;
		link->reports = 0;
	}
	return link->reports++ < REPORTS_A_SECOND;
}

static int read_report(struct rh_center *center, const struct rh_link_conn *conn,
                       const struct rh_record *item, char **ret_text,
                       struct rh_diag *diag)
{
	struct rh_record_reader reader;
	struct rh_item_key      key;
	uint32_t                count = 1;
	char                    text[REPORT_TEXT_MAX + 1];

	rh_record_read(&reader, item->bytes, item->len);
	int err = read_key(conn, &reader, &key, diag);
	if (!err && (key.callee.len == 0 ||
	             rh_record_u32(&reader, RH_TAG_COUNT, &count) == RH_EPROTO))
		err = rh_diag_set(diag, RH_EPROTO, "a report lacks its edge or count");
	if (err)
		return err;
	copy_text(&reader, text, sizeof text);
	center->counts.reports += count;
	*ret_text = may_write(conn->link) ? report_text(conn, &key, count, text) : NULL;
	center->counts.reports_unwritten += *ret_text == NULL;
	return RH_OK;
}

/* Writes the entries; one that cannot be written is in the log of the center. */
static void write_reports(struct rh_center *center, char **texts, size_t count)
{
	struct rh_store_change change = {
		.audits = (const char *const *)texts, .audit_count = count,
	};
	struct rh_problem problem;
	struct rh_diag    diag = { 0 };
	uint64_t          revision;

	int err = rh_store_write(center->store, &change, &revision, &diag);
	if (err) {
		rh_realm_undo(&center->realm, 0);
		rh_problem_diag(&center->broken, err, &diag);
	}
	center->staged = 1;
	if (rh_center_commit(center, &problem) != RH_OK)
		rh_error("audit: %zu reports are lost: %s", count, problem.detail);
}

int rh_peer_report(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        item;
	char                   *texts[REPORT_ITEMS_MAX], *text;
	size_t                  count = 0;
	unsigned                seen = 0;
	int                     more = 0, err = RH_OK;

	while (!err && (more = rh_record_next(&reader, &item)) > 0) {
		if (item.tag != RH_TAG_REPORT_ITEM)
			continue;
		if (++seen > REPORT_ITEMS_MAX) {
			err = rh_diag_set(diag, RH_ENOSPC, "more than %u reports in one "
			                  "frame", REPORT_ITEMS_MAX);
			break;
		}
		err = read_report(center, conn, &item, &text, diag);
		if (!err && text)
			texts[count++] = text;
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "REPORT is cut off");
	if (count > 0) /* what was understood before it broke off is still true */
		write_reports(center, texts, count);
	while (count > 0)
		free(texts[--count]);
	return err;
}
