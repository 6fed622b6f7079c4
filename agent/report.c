#include "report.h"

#include "agent.h"
#include "center.h"

#include "../base/log.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
	struct rh_list link;
	uint32_t       count;
	const char    *text;
	char           caller[RH_NAME_MAX + 1];
	char           callee[RH_NAME_MAX + 1];
};

static void tell(struct rh_agent *agent, const struct report *report)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;
	size_t                  place;

	rh_record_begin(&writer, bytes, sizeof bytes);
	place = rh_record_open(&writer, RH_TAG_REPORT_ITEM);
	rh_record_put_text(&writer, RH_TAG_CALLER, report->caller);
	rh_record_put_text(&writer, RH_TAG_CALLEE, report->callee);
	rh_record_put_u32(&writer, RH_TAG_COUNT, report->count);
	rh_record_put_text(&writer, RH_TAG_TEXT, report->text);
	rh_record_close(&writer, place);
	rh_center_tell(agent, RH_FRAME_REPORT, &writer);
}

static void drop(struct rh_agent *agent, struct report *report)
{
	rh_list_remove(&report->link);
	agent->report_count--;
	free(report);
}

static struct report *find(struct rh_agent *agent, const struct report *like)
{
	RH_LIST_EACH(node, &agent->reports) {
		struct report *report = RH_CONTAINER(node, struct report, link);

		if (report->text == like->text && strcmp(report->caller, like->caller) == 0 &&
		    strcmp(report->callee, like->callee) == 0)
			return report;
	}
	return NULL;
}

static void keep(struct rh_agent *agent, const struct report *report)
{
	struct report *kept = find(agent, report);

	if (kept) {
		kept->count++;
		return;
	}
	kept = agent->report_count < RH_REPORTS_KEPT ? malloc(sizeof *kept) : NULL;
	if (!kept) {
		rh_warn("the center will not be told of %s -> %s: %s", report->caller,
		        report->callee, report->text);
		return;
	}
	*kept = *report;
	rh_list_add(&agent->reports, &kept->link);
	agent->report_count++;
}

void rh_report(struct rh_agent *agent, const char *caller, const char *callee,
               const char *text)
{
	struct report report = { .count = 1, .text = text };

	snprintf(report.caller, sizeof report.caller, "%s", caller);
	snprintf(report.callee, sizeof report.callee, "%s", callee);
	if (rh_center_is_live(agent))
		tell(agent, &report);
	else
		keep(agent, &report);
}

void rh_reports_tell(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->reports) {
		struct report *report = RH_CONTAINER(node, struct report, link);

		tell(agent, report);
		drop(agent, report);
	}
}

void rh_reports_free(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->reports)
		drop(agent, RH_CONTAINER(node, struct report, link));
}
