/* serve_report - what the agent is told of bound pages without being asked.
 *
 * Bound pages go on while the agent is away.  The next one is told of each, so that
 * it can count it and take it away; and any agent is told when a caller has let go of
 * one, for no other word of that may reach it.  An agent that does not read holds
 * nothing up: what is owed stays with the page until it can be sent. */
#include "serve.h"

static int has_gone(const struct rh_serve_page *page)
{
	return (int)atomic_load_explicit(&page->is_dropped, memory_order_relaxed);
}

void rh_serve_report_all(struct rh_server *server)
{
	for (struct rh_serve_page *page = server->pages; page; page = page->next) {
		page->owes_report = page->origin != 0 && !has_gone(page);
		page->owes_put = 0;
	}
}

void rh_serve_report_gone(struct rh_server *server, struct rh_serve_page *page)
{
	page->owes_put = page->origin != 0 && !page->owes_report && server->agent >= 0;
	page->owes_report = 0;
}

static int send_held(const struct rh_server *server, const struct rh_serve_page *page)
{
	unsigned char           bytes[192];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	rh_record_put_u64(&writer, RH_TAG_ORIGIN, page->origin);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, page->caller->attachment);
	rh_record_put_text(&writer, RH_TAG_CALLER, page->caller->name);
	return rh_socket_send(server->agent, RH_FRAME_PAGE_HELD, page->id, &writer, NULL,
	                      0);
}

static int send_put(const struct rh_server *server, const struct rh_serve_page *page)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	return rh_socket_send(server->agent, RH_FRAME_PAGE_PUT, 0, &writer, NULL, 0);
}

int rh_serve_report(struct rh_server *server)
{
	for (struct rh_serve_page *page = server->pages; page; page = page->next) {
		if (server->agent < 0)
			page->owes_put = 0; /* the next one never hears of it */
		if (server->agent < 0 || !(page->owes_report || page->owes_put))
			continue;
		if ((page->owes_report ? send_held(server, page)
		                       : send_put(server, page)) == RH_EAGAIN)
			return 1;
		page->owes_report = page->owes_put = 0; /* or it is hanging up */
	}
	return 0;
}
