#include "handlers.h"

#include "../center.h"
#include "../link.h"
#include "../push.h"
#include "../store/store.h"
#include "../when.h"

#include "../../model/registry.h"
#include "../../model/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES (1u << 20)
#define EDGES_MAX  1000u    /* edges with counts of their own */

/* Text of the exposition format, cut when it is full. */
struct page {
	size_t len;
	char   text[PAGE_BYTES];
};

static void put(struct page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct page *page, const char *format, ...)
{
	size_t  room = sizeof page->text - page->len;
	va_list args;

	va_start(args, format);
	int len = vsnprintf(page->text + page->len, room, format, args);
	va_end(args);
	if (len > 0)
		page->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void head(struct page *page, const char *name, const char *type,
                 const char *help)
{
	put(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct page *page, const char *name, const char *type,
                const char *help, uint64_t value)
{
	head(page, name, type, help);
	put(page, "%s %llu\n", name, (unsigned long long)value);
}

static void put_objects(struct page *page, const struct rh_center *center)
{
	const struct rh_registry *registry = &center->realm.registry;

	head(page, "rhodes_objects", "gauge", "Objects in the store.");
	for (int kind = 0; kind < RH_OBJECT_KINDS; kind++)
		put(page, "rhodes_objects{kind=\"%s\"} %zu\n",
		    rh_object_kind_text((enum rh_object_kind)kind),
		    rh_catalog_count(&center->realm.catalog, (enum rh_object_kind)kind));
	head(page, "rhodes_resources", "gauge", "Registered resources.");
	for (int type = 0; type < RH_TYPES; type++)
		put(page, "rhodes_resources{type=\"%s\"} %u\n", rh_type_text(type),
		    rh_registry_count(registry, type));
	one(page, "rhodes_references", "gauge", "Declared references.",
	    registry->matrix.used);
}

static void put_requests(struct page *page, const struct rh_center_counts *counts)
{
	one(page, "rhodes_http_requests_total", "counter", "HTTP requests.",
	    counts->requests);
	head(page, "rhodes_http_responses_total", "counter", "HTTP responses.");
	for (int i = 2; i < 6; i++)
		put(page, "rhodes_http_responses_total{class=\"%dxx\"} %llu\n", i,
		    (unsigned long long)counts->responses[i]);
	one(page, "rhodes_changes_total", "counter", "Objects made, changed, deleted.",
	    counts->changes);
	one(page, "rhodes_refusals_total", "counter", "Changes refused.",
	    counts->refusals);
	one(page, "rhodes_commits_total", "counter", "Commits to the store.",
	    counts->commits);
	one(page, "rhodes_commit_failures_total", "counter",
	    "Commits that failed and were undone.", counts->commit_failures);
}

struct peers {
	unsigned agents;
	unsigned supervisors;
	unsigned instances;
	uint64_t pending;
};

static void count_peer(void *user, const struct rh_link_peer *peer)
{
	struct peers *peers = user;

	peers->agents += !peer->is_supervisor;
	peers->supervisors += peer->is_supervisor != 0;
	peers->instances += peer->instance_count;
	peers->pending += peer->pending;
}

static void put_link(struct page *page, const struct rh_center *center)
{
	struct peers peers = { 0 };

	rh_link_walk(center->link, NULL, count_peer, &peers);
	head(page, "rhodes_link_peers", "gauge", "Connected peers.");
	put(page, "rhodes_link_peers{role=\"agent\"} %u\n", peers.agents);
	put(page, "rhodes_link_peers{role=\"supervisor\"} %u\n", peers.supervisors);
	one(page, "rhodes_instances", "gauge", "Instances that agents report.",
	    peers.instances);
	one(page, "rhodes_link_pending_bytes", "gauge", "Bytes not yet sent to peers.",
	    peers.pending);
	one(page, "rhodes_link_views_total", "counter", "Views built.",
	    center->counts.views);
	one(page, "rhodes_link_plans_total", "counter", "Plans built.",
	    center->counts.plans);
	one(page, "rhodes_link_dropped_total", "counter",
	    "Peers refused or disconnected.", center->counts.link_dropped);
	one(page, "rhodes_link_goaways_total", "counter",
	    "Peers that were told to go away.", center->counts.goaways);
	one(page, "rhodes_link_reports_total", "counter",
	    "What agents had to do by force.", center->counts.reports);
	one(page, "rhodes_link_reports_unwritten_total", "counter",
	    "Reports that the audit log lacks, because there were too many.",
	    center->counts.reports_unwritten);
}

static void put_push(struct page *page, const struct rh_center *center)
{
	static const struct rh_push_counts none;
	const struct rh_push_counts *counts = center->push ? &center->push->counts : &none;

	one(page, "rhodes_push_items_total", "counter",
	    "Items encoded because a change touched them.", counts->items);
	one(page, "rhodes_push_items_unchanged_total", "counter",
	    "Of these, left out because their bytes were the same.", counts->same);
	one(page, "rhodes_push_delta_frames_total", "counter", "Delta frames sent.",
	    counts->deltas);
	one(page, "rhodes_push_snapshots_total", "counter", "Snapshots begun.",
	    counts->snapshots);
	one(page, "rhodes_push_snapshots_given_up_total", "counter",
	    "Snapshots given up, half sent.", counts->given_up);
	one(page, "rhodes_push_snapshots", "gauge", "Snapshots under way.",
	    center->push ? center->push->snapshots : 0);
	one(page, "rhodes_push_ring_overflows_total", "counter",
	    "Changes that the ring did not hold, so that all took snapshots.",
	    counts->raised);
	one(page, "rhodes_push_results_total", "counter", "Results of agents.",
	    center->counts.results);
}

/* ---- the edges that were called ---- */

struct edges {
	struct page           *page;
	const struct rh_realm *realm;
	const char            *name;
	int                    what;   /* 0 calls, 1 errors, 2 bytes */
	unsigned               count;
};

static void put_edge(void *user, const struct rh_edge_report *report)
{
	struct edges               *edges = user;
	const struct rh_registry   *registry = &edges->realm->registry;
	const struct rh_edge_count *count = &edges->realm->counts[report->edge];

	if (report->observed == 0 || edges->count++ >= EDGES_MAX)
		return;
	uint64_t values[] = { report->observed, count->errors, count->bytes };
	put(edges->page, "%s{caller=\"%s\",callee=\"%s\"} %llu\n", edges->name,
	    rh_registry_get(registry, report->caller)->name.text,
	    rh_registry_get(registry, report->callee)->name.text,
	    (unsigned long long)values[edges->what]);
}

static void put_edges(struct page *page, const struct rh_center *center)
{
	static const char *const names[][2] = {
		{ "rhodes_edge_calls_total",  "Calls that agents counted on an edge." },
		{ "rhodes_edge_errors_total", "Of these, failed ones." },
		{ "rhodes_edge_bytes_total",  "Bytes of arguments and replies." },
	};

	for (int what = 0; what < 3; what++) {
		struct edges edges = { page, &center->realm, names[what][0], what, 0 };

		head(page, names[what][0], "counter", names[what][1]);
		rh_view_edges(&center->realm.registry, 0, put_edge, &edges);
	}
}

static uint64_t resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	FILE              *file = fopen("/proc/self/statm", "re");

	if (file) {
		if (fscanf(file, "%llu %llu", &size, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void rh_api_metrics(struct rh_center *center, struct rh_request *request)
{
	struct page         *page = calloc(1, sizeof *page);
	struct rh_store_info info;

	if (!page) {
		request->reply.status = 507;
		return;
	}
	rh_store_info(center->store, &info);
	one(page, "rhodes_revision", "gauge", "Revision of the store.", info.revision);
	one(page, "rhodes_audit_entries_total", "counter", "Entries of the audit log.",
	    info.audit_seq);
	put_objects(page, center);
	put_requests(page, &center->counts);
	put_link(page, center);
	put_push(page, center);
	put_edges(page, center);
	one(page, "rhodes_start_time_seconds", "gauge", "When the center started.",
	    center->started_ms / 1000);
	one(page, "process_resident_memory_bytes", "gauge", "Resident memory.",
	    resident_bytes());
	rh_reply_bytes(&request->reply, 200, "text/plain; version=0.0.4", page->text,
	               page->len);
	free(page);
}
