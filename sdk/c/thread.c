#include "thread.h"

#include "fork.h"
#include "stash.h"

#include "../../base/await.h"
#include "../../base/memory.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct thread_state {
	struct rh_thread_page *pages[RH_CALLEES_MAX];
};

static _Thread_local struct thread_state *state
	__attribute__((tls_model("initial-exec")));

static pthread_key_t          exit_key;
static pthread_once_t         exit_once = PTHREAD_ONCE_INIT;
static struct rh_thread_page *all_pages;

static void list_add(struct rh_thread_page *page)
{
	pthread_mutex_lock(&rh_session.lock);
	page->next = all_pages;
	if (all_pages)
		all_pages->previous = page;
	all_pages = page;
	pthread_mutex_unlock(&rh_session.lock);
}

static void list_remove(struct rh_thread_page *page)
{
	pthread_mutex_lock(&rh_session.lock);
	if (page->previous)
		page->previous->next = page->next;
	else
		all_pages = page->next;
	if (page->next)
		page->next->previous = page->previous;
	pthread_mutex_unlock(&rh_session.lock);
}

static void close_all(struct rh_thread_page *page)
{
	close(page->waker);
	close(page->companion);
	if (page->server_event >= 0)
		close(page->server_event);
	rh_stash_destroy(page->stash);
	page->stash = NULL;
}

static void destroy(struct rh_thread_page *page)
{
	if (!page->is_foreign) {
		list_remove(page);
		rh_memory_unmap(page->memory, RH_PAGE_BYTES);
		close_all(page);
	}
	free(page);
}

static void give_back(struct rh_thread_page *page)
{
	unsigned char           bytes[16];
	struct rh_record_writer writer;

	if (page->generation != rh_session.generation)
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	rh_session_tell(RH_FRAME_PAGE_PUT, &writer);
}

static void at_thread_exit(void *value)
{
	struct thread_state *ended = value;

	for (unsigned i = 0; i < RH_CALLEES_MAX; i++) {
		struct rh_thread_page *page = ended->pages[i];

		if (!page)
			continue;
		give_back(page);
		destroy(page); /* tickets of an ended thread are void */
	}
	free(ended);
	state = NULL;
}

static void make_exit_key(void)
{
	pthread_key_create(&exit_key, at_thread_exit);
}

static int make_state(void)
{
	if (state)
		return RH_OK;
	pthread_once(&exit_once, make_exit_key);
	state = calloc(1, sizeof *state);
	if (!state || pthread_setspecific(exit_key, state) != 0)
		return rh_fail(RH_ENOMEM, "no memory for a thread's pages");
	return RH_OK;
}

/* Builds the page from the agent's answer; takes its descriptors. */
static int build(struct rh_callee *callee, struct rh_frame *frame,
                 struct rh_thread_page **ret_page)
{
	struct rh_thread_page *page = calloc(1, sizeof *page);
	uint32_t               flags = 0;
	uint64_t               instance = 0;
	int                    memory_fd = rh_frame_take_fd(frame, 0);
	int                    r = page ? RH_OK : RH_ENOMEM;

	if (r == RH_OK && frame->fd_count != 3)
		r = RH_EPROTO;
	if (r == RH_OK)
		r = rh_record_u64(&frame->records, RH_TAG_PAGE, &page->id);
	if (r == RH_OK)
		r = rh_memory_map(memory_fd, RH_PAGE_BYTES, &page->memory);
	if (r == RH_OK && (r = rh_page_check(page->memory)) < 0)
		rh_memory_unmap(page->memory, RH_PAGE_BYTES);
	if (memory_fd >= 0)
		close(memory_fd);
	if (r < 0) {
		free(page);
		return rh_fail(r, "the agent handed out something that is no page");
	}
	rh_record_u32(&frame->records, RH_TAG_FLAGS, &flags);
	rh_record_u64(&frame->records, RH_TAG_INSTANCE, &instance);
	page->instance = (uint32_t)instance;
	page->is_bind = (flags & RH_PAGE_FLAG_BIND) != 0;
	page->callee = callee;
	page->waker = rh_move_up(rh_frame_take_fd(frame, 1));
	page->companion = rh_move_up(rh_frame_take_fd(frame, 2));
	page->server_event = -1;
	*ret_page = page;
	return RH_OK;
}

static int ask_for_page(struct rh_callee *callee, const struct rh_opened *opened,
                        uint64_t deadline, struct rh_thread_page **ret_page)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_answer       *answer = malloc(sizeof *answer);
	int                     r;

	if (!answer)
		return rh_fail(RH_ENOMEM, "no memory for an answer");
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_EDGE, opened->edge);
	rh_record_put_u64(&writer, RH_TAG_DEADLINE, deadline);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, 0);
	r = rh_session_ask(opened->generation, RH_FRAME_PAGE_GET, &writer, RH_FRAME_PAGE,
	                   deadline, answer);
	if (r == RH_OK) {
		r = build(callee, &answer->frame, ret_page);
		rh_frame_drop(&answer->frame);
	}
	free(answer);
	if (r < 0)
		return r;
	(*ret_page)->generation = opened->generation;
	rh_page_join_barrier(); /* P6 */
	if (!(*ret_page)->is_bind)
		(*ret_page)->server_event = rh_session_dup_event(opened->generation);
	rh_caller_init(&(*ret_page)->end, (*ret_page)->memory, (*ret_page)->server_event);
	list_add(*ret_page);
	return RH_OK;
}

/* The agent may be restarted between any two of these steps. */
static int get_page(struct rh_callee *callee, uint64_t deadline)
{
	struct rh_opened opened;
	int              r;

	do {
		if ((r = rh_session_open(callee, deadline, &opened)) == RH_OK)
			r = ask_for_page(callee, &opened, deadline,
			                 &state->pages[callee->index]);
	} while (r == RH_EDETACHED && secure_getenv("RHODES_AGENT") && rh_until_ms(deadline));
	return r;
}

/* No call of the thread uses it any more, and none will. */
static void leave(struct rh_thread_page *page)
{
	page->is_dead = 1;
	if (state && state->pages[page->callee->index] == page)
		state->pages[page->callee->index] = NULL;
	give_back(page);
	if (page->end.claims == 0)
		destroy(page);
}

/* Waits until what the thread has under way is answered: so calls stay in order.  The
 * answers can be read also when the page was given back. */
static int settle(struct rh_thread_page *page, uint64_t deadline)
{
	int slot;

	while ((slot = rh_caller_pending(&page->end)) >= 0) {
		if (!rh_until_ms(deadline))
			return rh_fail(RH_ETIMEDOUT, "the calls of %s under way were not"
			               " answered in time", page->callee->name);
		if (rh_thread_page_sleep(page, slot, deadline) == RH_ELOST)
			break; /* they will find out */
	}
	return RH_OK;
}

/* The page that the thread has, claimed, or none when it was retired and left. */
static int claim(struct rh_callee *callee, uint64_t deadline,
                 struct rh_thread_page **ret_page)
{
	struct rh_thread_page *page = state->pages[callee->index];
	int                    r;

	if (rh_caller_claim(&page->end) || page->unsent > 0) {
		*ret_page = page;
		return RH_OK;
	}
	r = settle(page, deadline);
	rh_caller_unclaim(&page->end);
	if (r == RH_OK)
		leave(page);
	return r;
}

static int find_page(struct rh_callee *callee, uint64_t deadline,
                     struct rh_thread_page **ret_page)
{
	int r = make_state();

	if (deadline == 0)
		deadline = rh_deadline(0);
	*ret_page = NULL;
	while (r == RH_OK && !*ret_page) {
		if (!state->pages[callee->index])
			r = get_page(callee, deadline);
		if (r == RH_OK)
			r = claim(callee, deadline, ret_page);
	}
	return r;
}

int rh_thread_page(struct rh_callee *callee, uint64_t deadline,
                   struct rh_thread_page **ret_page)
{
	struct rh_thread_page *page = state ? state->pages[callee->index] : NULL;

	if (!page)
		return find_page(callee, deadline, ret_page);
	if (rh_caller_claim(&page->end)) {
		*ret_page = page;
		return RH_OK;
	}
	rh_caller_unclaim(&page->end);
	return find_page(callee, deadline, ret_page);
}

void rh_thread_page_lost(struct rh_thread_page *page)
{
	if (page->is_dead)
		return;
	if (!page->is_bind)
		rh_session_lost(page->generation);
	leave(page);
}

int rh_thread_page_is_cut(const struct rh_thread_page *page)
{
	struct pollfd look = { .fd = page->companion };

	return poll(&look, 1, 0) > 0;
}

static void drain(int waker)
{
	uint64_t times;

	if (read(waker, &times, sizeof times) < 0)
		return; /* nothing there */
}

/* By the runtime of threads that runs this one.  It may be cancelled here, as in poll. */
static int sleep_lending(struct rh_thread_page *page, int slot, uint64_t deadline)
{
	pthread_testcancel();
	rh_caller_wait(&page->end, slot, deadline, page->companion);
	pthread_testcancel();
	return rh_thread_page_is_cut(page) ? RH_ELOST : RH_OK;
}

int rh_thread_page_sleep(struct rh_thread_page *page, int slot, uint64_t deadline)
{
	struct pollfd look[2] = {
		{ .fd = page->waker, .events = POLLIN },
		{ .fd = page->companion, .events = 0 },
	};

	if (rh_await_lends())
		return sleep_lending(page, slot, deadline);
	if (rh_caller_arm(&page->end, slot) == RH_OK)
		poll(look, 2, rh_until_ms(deadline));
	rh_caller_woken(&page->end);
	if (look[0].revents)
		drain(page->waker);
	return look[1].revents ? RH_ELOST : RH_OK;
}

void rh_thread_page_unclaim(struct rh_thread_page *page)
{
	int is_over = 0;

	if (page->is_foreign)
		page->end.claims--; /* not mapped here */
	else
		is_over = rh_caller_unclaim(&page->end);
	if (page->end.claims > 0)
		return;
	if (page->is_dead)
		destroy(page);
	else if (is_over)
		leave(page);
}

/* In the child of a fork; the session is locked. */
void rh_threads_forget(void)
{
	for (struct rh_thread_page *page = all_pages; page; page = page->next) {
		close_all(page);
		page->is_foreign = page->is_dead = 1;
	}
	all_pages = NULL;
	if (state) {
		for (unsigned i = 0; i < RH_CALLEES_MAX; i++)
			state->pages[i] = NULL;
	}
}
