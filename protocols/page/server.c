/* server - the server's end of a page. */
#include "page.h"
#include "view.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_socket(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

void rh_server_init(struct rh_server_end *end, void *memory, int caller_waker)
{
	*end = (struct rh_server_end){
		.caller_waker = caller_waker, .is_socket = is_socket(caller_waker),
	};
	rh_page_view(&end->page, memory);
}

static struct rh_slot *next_slot(const struct rh_server_end *end)
{
	return &end->page.slots[end->next % RH_PAGE_SLOTS];
}

/* [off, off + len) is the slot's own body or lies inside the arena. */
static int in_bounds(uint32_t slot, uint32_t off, uint32_t len)
{
	if (off == slot_body_off(slot))
		return len <= RH_SLOT_INLINE_MAX;
	return off >= RH_PAGE_ARENA_OFF && off <= RH_PAGE_BYTES &&
	       len <= RH_PAGE_BYTES - off;
}

/* Reads every field once; the copies are checked and used from then on. */
static int read_request(struct rh_server_end *end, uint32_t slot,
                        struct rh_taken *taken)
{
	const volatile struct rh_slot_request *once = &end->page.slots[slot].request;
	uint32_t args_off = once->args_off;
	uint32_t reply_off = once->reply_off;

	*taken = (struct rh_taken){
		.slot = slot, .sequence = end->next,
		.function = once->function, .deadline = once->deadline,
		.context = once->context, .instance = once->instance,
		.flags = once->flags, .fds = once->fds,
		.args_len = once->args_len, .reply_cap = once->reply_cap,
		.reply_near = end->near,
	};
	if (taken->fds > RH_CALL_FDS_MAX || taken->reply_cap > RH_PAYLOAD_ARENA_MAX ||
	    !in_bounds(slot, reply_off, taken->reply_cap))
		return RH_EPROTO;
	taken->reply_far = end->page.base + reply_off;
	if (taken->flags & RH_SLOT_ARGS_MEMFD)
		return taken->args_len <= RH_PAYLOAD_MAX && taken->fds > 0
		       ? RH_OK : RH_EPROTO;
	if (taken->args_len > RH_PAYLOAD_ARENA_MAX ||
	    !in_bounds(slot, args_off, taken->args_len))
		return RH_EPROTO;
	taken->args = end->page.base + args_off;
	return RH_OK;
}

/* The caller may do what it likes with its end of a socket: the flags that count are
 * the call's own.  Those of an eventfd are shared with whoever made it.  Full: it has
 * been told often enough. */
static void ring(const struct rh_server_end *end)
{
	const uint64_t one = 1;
	ssize_t        n = end->is_socket
	                 ? send(end->caller_waker, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL)
	                 : write(end->caller_waker, &one, sizeof one);

	(void)n;
}

static void wake_caller(struct rh_server_end *end)
{
	struct rh_page_head *head = end->page.head;
	/* P4 */
	uint32_t how = atomic_load_explicit(&head->caller.asleep, memory_order_seq_cst);

	if (how == RH_ASLEEP_FUTEX)
		rh_bell_ring(&head->server.caller_bell);
	else if (how == RH_ASLEEP_EVENT && end->caller_waker >= 0)
		ring(end);
}

static void set_done(struct rh_server_end *end, uint32_t slot, uint32_t sequence)
{
	/* P2, P4 */
	atomic_exchange_explicit(&end->page.slots[slot].answer.word,
	                         RH_SLOT_WORD(sequence, RH_SLOT_DONE),
	                         memory_order_seq_cst);
	wake_caller(end);
}

static void refuse(struct rh_server_end *end, uint32_t slot, uint32_t sequence,
                   int status)
{
	struct rh_slot_answer *out = &end->page.slots[slot].answer;

	out->status = status;
	out->err_no = 0;
	out->flags = RH_SLOT_SURE;
	out->fds = 0;
	out->len = 0;
	out->off = slot_small_off(slot);
	set_done(end, slot, sequence);
}

static uint32_t next_word(const struct rh_server_end *end)
{
	return atomic_load_explicit(&next_slot(end)->request.word,
	                            memory_order_seq_cst);
}

/* P5: counts the call as taken, then looks whether it is still wanted.  The order
 * is the compiler's to keep; who cancels brings the processors into line. */
static int claim(struct rh_server_end *end)
{
	atomic_store_explicit(&end->page.head->by_server.taken, end->next + 1,
	                      memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	return next_word(end) == RH_SLOT_WORD(end->next, RH_SLOT_SUBMITTED)
	       ? RH_OK : RH_ECANCELED;
}

int rh_server_take(struct rh_server_end *end, struct rh_taken *ret_taken)
{
	for (uint32_t tries = 0; tries < RH_PAGE_SLOTS; tries++) {
		uint32_t slot = end->next % RH_PAGE_SLOTS;
		int      r;

		if (!rh_server_has_call(end)) /* P1 */
			return RH_EAGAIN;
		__builtin_prefetch(next_slot(end)->body); /* most arguments are there */
		if ((r = claim(end)) == RH_OK)
			r = read_request(end, slot, ret_taken);
		end->next++; /* E2 */
		if (r == RH_OK)
			return 1;
		refuse(end, slot, end->next - 1, r);
	}
	return RH_EAGAIN;
}

/* Puts the reply where the caller finds it soonest; returns its offset. */
static uint32_t place_reply(struct rh_server_end *end, const struct rh_taken *taken,
                            uint32_t len)
{
	uint32_t off = slot_small_off(taken->slot);

	if (len > RH_SLOT_INLINE_MAX)
		return (uint32_t)(taken->reply_far - end->page.base);
	if (len > RH_SLOT_SMALL_MAX)
		off = slot_body_off(taken->slot);
	memcpy(end->page.base + off, end->near, len);
	return off;
}

void rh_server_finish(struct rh_server_end *end, const struct rh_taken *taken,
                      const struct rh_reply *reply)
{
	struct rh_slot_answer *out = &end->page.slots[taken->slot].answer;

	out->status = reply->status;
	out->err_no = reply->err_no;
	out->flags = reply->flags;
	out->fds = reply->fds;
	out->instance = reply->instance;
	out->len = reply->len;
	out->off = reply->flags & RH_SLOT_REPLY_MEMFD
	           ? 0 : place_reply(end, taken, reply->len);
	set_done(end, taken->slot, taken->sequence);
}

int rh_server_is_unwanted(const struct rh_server_end *end, const struct rh_taken *taken)
{
	return atomic_load_explicit(&end->page.slots[taken->slot].request.word,
	                            memory_order_acquire) ==
	       RH_SLOT_WORD(taken->sequence, RH_SLOT_CANCELLED);
}

int rh_server_has_call(const struct rh_server_end *end)
{
	uint32_t word = next_word(end);

	return word == RH_SLOT_WORD(end->next, RH_SLOT_SUBMITTED) ||
	       word == RH_SLOT_WORD(end->next, RH_SLOT_CANCELLED);
}

int rh_server_arm(struct rh_server_end *end, enum rh_asleep how)
{
	/* P3 */
	atomic_exchange_explicit(&end->page.head->server.asleep, (uint32_t)how,
	                         memory_order_seq_cst);
	if (!rh_server_has_call(end))
		return RH_OK;
	rh_server_woken(end);
	return RH_EAGAIN;
}

void rh_server_woken(struct rh_server_end *end)
{
	atomic_store_explicit(&end->page.head->server.asleep, RH_AWAKE,
	                      memory_order_relaxed);
}

int rh_server_may_spin(const struct rh_server_end *end)
{
	const struct rh_page_caller *caller = &end->page.head->caller;
	uint32_t cpu = atomic_load_explicit(&caller->cpu, memory_order_relaxed);

	return cpu != 0 && cpu != end->cpu;
}

void rh_server_on_cpu(struct rh_server_end *end, uint32_t cpu)
{
	if (end->cpu == cpu + 1)
		return;
	end->cpu = cpu + 1;
	atomic_store_explicit(&end->page.head->server.cpu, cpu + 1,
	                      memory_order_relaxed);
}
