/* caller - the caller's end of a page. */
#include "page.h"
#include "view.h"

#include "../../base/await.h"
#include "../../base/clock.h"
#include "../../model/check.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REPLY_REGION 65536u /* of the arena, per slot, for replies */
#define ARGS_OFF     (RH_PAGE_ARENA_OFF + RH_PAGE_SLOTS * REPLY_REGION)

#define SPIN_MAX_NS   50000u /* never longer: a wake-up costs about this */
#define SPIN_START_NS 20000u
#define SPIN_PROBE    64u    /* after that many calls without, try again */

_Static_assert(ARGS_OFF + 2 * RH_PAYLOAD_ARENA_MAX <= RH_PAGE_BYTES,
               "the arena holds replies and two large calls");

void rh_caller_init(struct rh_caller_end *end, void *memory, int server_event)
{
	*end = (struct rh_caller_end){
		.server_event = server_event,
		.spin = { .budget_ns = SPIN_START_NS },
	};
	rh_page_view(&end->page, memory);
}

/* P6: the order is the compiler's to keep; the retirer brings the processors into
 * line. */
static int say_claims(struct rh_caller_end *end)
{
	struct rh_page_head *head = end->page.head;

	atomic_store_explicit(&head->by_caller.busy, end->claims, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&head->server.life, memory_order_acquire) ==
	       RH_PAGE_LIVE;
}

int rh_caller_claim(struct rh_caller_end *end)
{
	end->claims++;
	return say_claims(end);
}

int rh_caller_unclaim(struct rh_caller_end *end)
{
	end->claims--;
	return !say_claims(end) && end->claims == 0;
}

static int overlaps(struct rh_extent a, uint32_t off, uint32_t len)
{
	return a.len > 0 && off < a.off + a.len && a.off < off + len;
}

/* The extent in the way of [off, off + len), or one of length 0. */
static struct rh_extent in_the_way(const struct rh_caller_end *end, uint32_t off,
                                   uint32_t len)
{
	for (uint32_t i = 0; i < RH_PAGE_SLOTS; i++) {
		if (overlaps(end->args[i], off, len))
			return end->args[i];
		if (overlaps(end->replies[i], off, len))
			return end->replies[i];
	}
	return (struct rh_extent){ 0 };
}

/* First fit, so that the same warm bytes are used again.  0 when full. */
static uint32_t place(const struct rh_caller_end *end, uint32_t len)
{
	uint32_t off = ARGS_OFF;

	while (len <= RH_PAGE_BYTES - off) {
		struct rh_extent extent = in_the_way(end, off, len);

		if (extent.len == 0)
			return off;
		off = (extent.off + extent.len + 63) & ~63u;
	}
	return 0;
}

static int is_done(const struct rh_caller_end *end, int slot)
{
	return atomic_load_explicit(&end->page.slots[slot].answer.word,
	                            memory_order_acquire) ==
	       RH_SLOT_WORD(end->sequences[slot], RH_SLOT_DONE);
}

/* E1: an abandoned slot, and what it holds of the arena, is free once the server has
 * finished or skipped it. */
static void reclaim(struct rh_caller_end *end)
{
	for (uint32_t slot = 0; slot < RH_PAGE_SLOTS; slot++) {
		if (!(end->abandoned & (1u << slot)) || !is_done(end, (int)slot))
			continue;
		end->abandoned &= (uint16_t)~(1u << slot);
		rh_caller_release(end, (int)slot);
	}
}

static int place_args(struct rh_caller_end *end, uint32_t slot, uint32_t args_len)
{
	uint32_t off;

	if (args_len <= RH_SLOT_INLINE_MAX)
		return RH_OK;
	off = place(end, args_len);
	if (off == 0)
		return RH_EAGAIN;
	end->args[slot] = (struct rh_extent){ off, args_len };
	return RH_OK;
}

static int place_reply(struct rh_caller_end *end, uint32_t slot, uint32_t cap)
{
	uint32_t off;

	if (cap <= REPLY_REGION)
		return RH_OK;
	off = place(end, cap);
	if (off == 0) {
		end->args[slot].len = 0;
		return RH_EAGAIN;
	}
	end->replies[slot] = (struct rh_extent){ off, cap };
	return RH_OK;
}

int rh_caller_reserve(struct rh_caller_end *end, uint32_t args_len,
                      uint32_t reply_cap, unsigned char **ret_args)
{
	uint32_t slot = end->next % RH_PAGE_SLOTS;
	int      r;

	if (args_len > RH_PAYLOAD_ARENA_MAX || reply_cap > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;
	if (end->abandoned)
		reclaim(end);
	if (end->in_flight & (1u << slot))
		return RH_EAGAIN;
	if ((r = place_args(end, slot, args_len)) < 0 ||
	    (r = place_reply(end, slot, reply_cap)) < 0)
		return r;
	end->in_flight |= (uint16_t)(1u << slot);
	end->sequences[slot] = end->next++;
	*ret_args = end->args[slot].len > 0 ? end->page.base + end->args[slot].off
	                                    : end->page.slots[slot].body;
	return (int)slot;
}

static void say_cpu(struct rh_caller_end *end)
{
	uint32_t cpu = (uint32_t)sched_getcpu() + 1;

	if (cpu == end->cpu)
		return;
	end->cpu = cpu;
	atomic_store_explicit(&end->page.head->caller.cpu, cpu, memory_order_relaxed);
}

static void wake_server(struct rh_caller_end *end, uint32_t how)
{
	uint64_t one = 1;

	if (how == RH_ASLEEP_FUTEX)
		rh_bell_ring(&end->page.head->caller.server_bell);
	else if (how == RH_ASLEEP_EVENT && end->server_event >= 0 &&
	         write(end->server_event, &one, sizeof one) < 0)
		return; /* full: it has been told often enough */
}

/* P1, P3 */
static void publish(struct rh_caller_end *end, int slot, enum rh_slot_state state)
{
	uint32_t how;

	atomic_exchange_explicit(&end->page.slots[slot].request.word,
	                         RH_SLOT_WORD(end->sequences[slot], state),
	                         memory_order_seq_cst);
	how = atomic_load_explicit(&end->page.head->server.asleep, memory_order_seq_cst);
	if (how != RH_AWAKE)
		wake_server(end, how);
}

void rh_caller_submit(struct rh_caller_end *end, int slot,
                      const struct rh_request *request)
{
	struct rh_slot_request *out = &end->page.slots[slot].request;
	struct rh_extent        reply = end->replies[slot];
	struct rh_extent        args = end->args[slot];

	out->flags = request->flags;
	out->fds = request->fds;
	out->function = request->function;
	out->deadline = request->deadline;
	out->args_len = request->args_len;
	out->args_off = args.len > 0 ? args.off : slot_body_off((uint32_t)slot);
	out->reply_cap = reply.len > 0 ? reply.len : REPLY_REGION;
	out->reply_off = reply.len > 0 ? reply.off
	                 : RH_PAGE_ARENA_OFF + (uint32_t)slot * REPLY_REGION;
	out->context = request->context;
	out->instance = request->instance;
	say_cpu(end);
	publish(end, slot, RH_SLOT_SUBMITTED);
}

int rh_caller_server_polls(const struct rh_caller_end *end)
{
	return end->server_event < 0 &&
	       atomic_load_explicit(&end->page.head->server.asleep,
	                            memory_order_seq_cst) == RH_ASLEEP_EVENT;
}

/* A slot in the middle cannot be reserved a second time before the server has passed
 * it, so it becomes a cancelled call, which the server skips. */
void rh_caller_unreserve(struct rh_caller_end *end, int slot)
{
	end->args[slot].len = 0;
	end->replies[slot].len = 0;
	if (end->sequences[slot] == end->next - 1) {
		end->next--;
		end->in_flight &= (uint16_t)~(1u << slot);
		return;
	}
	end->abandoned |= (uint16_t)(1u << slot);
	publish(end, slot, RH_SLOT_CANCELLED);
}

/* The reply may stand in the slot's head, in its body, or where the caller gave room. */
static int find_reply(struct rh_caller_end *end, int slot, uint32_t off,
                      uint32_t len, const unsigned char **ret_bytes)
{
	struct rh_extent far = end->replies[slot];

	if (far.len == 0) {
		far.off = RH_PAGE_ARENA_OFF + (uint32_t)slot * REPLY_REGION;
		far.len = REPLY_REGION;
	}
	if (len <= RH_SLOT_SMALL_MAX && off == slot_small_off((uint32_t)slot))
		*ret_bytes = end->page.base + off;
	else if (len <= RH_SLOT_INLINE_MAX && off == slot_body_off((uint32_t)slot))
		*ret_bytes = end->page.slots[slot].body;
	else if (len <= far.len && off == far.off)
		*ret_bytes = end->page.base + far.off;
	else
		return RH_EPROTO;
	return RH_OK;
}

int rh_caller_collect(struct rh_caller_end *end, int slot,
                      struct rh_reply *ret_reply)
{
	const volatile struct rh_slot_answer *once = &end->page.slots[slot].answer;

	if (!is_done(end, slot)) /* P2 */
		return RH_EAGAIN;
	*ret_reply = (struct rh_reply){
		.status = once->status, .err_no = once->err_no, .len = once->len,
		.instance = once->instance, .flags = once->flags, .fds = once->fds,
	};
	if (ret_reply->status > 0)
		return RH_EPROTO;
	if (ret_reply->flags & RH_SLOT_REPLY_MEMFD)
		return ret_reply->len <= RH_PAYLOAD_MAX ? RH_OK : RH_EPROTO;
	return find_reply(end, slot, once->off, ret_reply->len, &ret_reply->bytes);
}

void rh_caller_release(struct rh_caller_end *end, int slot)
{
	end->in_flight &= (uint16_t)~(1u << slot);
	end->args[slot].len = 0;
	end->replies[slot].len = 0;
}

/* Every processor passes a full barrier between entry and return; milliseconds.
 * 0 where the system has no such call. */
static int barrier_everywhere(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;
}

int rh_caller_abandon(struct rh_caller_end *end, int slot, int server_is_gone)
{
	_Atomic uint32_t *counted = &end->page.head->by_server.taken;
	uint32_t          sequence = end->sequences[slot];

	end->abandoned |= (uint16_t)(1u << slot);
	/* P5 */
	atomic_exchange_explicit(&end->page.slots[slot].request.word,
	                         RH_SLOT_WORD(sequence, RH_SLOT_CANCELLED),
	                         memory_order_seq_cst);
	if ((int32_t)(atomic_load(counted) - sequence) > 0)
		return RH_EBUSY;
	if (!server_is_gone && !barrier_everywhere())
		return RH_EBUSY;
	return (int32_t)(atomic_load(counted) - sequence) > 0 ? RH_EBUSY : RH_OK;
}

/* Spins at most the budget; keeps the budget near what calls really take. */
static int spin(struct rh_caller_end *end, int slot)
{
	struct rh_spin *spin = &end->spin;
	uint64_t        start;

	if (spin->budget_ns == 0) {
		if (++spin->misses < SPIN_PROBE)
			return 0;
		spin->misses = 0;
		spin->budget_ns = SPIN_START_NS;
	}
	for (int i = 0; i < RH_EAGER_LOOKS; i++) {
		if (is_done(end, slot))
			return 1;
	}
	for (int i = 0; i < 64; i++) { /* still without a clock */
		if (is_done(end, slot))
			return 1;
		cpu_relax();
	}
	start = rh_clock_ns();
	for (;;) {
		uint64_t spent;

		for (int i = 0; i < 32; i++) {
			if (is_done(end, slot)) {
				spent = rh_clock_ns() - start;
				spin->budget_ns = spent * 2 + 2000 < SPIN_MAX_NS
				                  ? (uint32_t)spent * 2 + 2000
				                  : SPIN_MAX_NS;
				return 1;
			}
			cpu_relax();
		}
		spent = rh_clock_ns() - start;
		if (spent > spin->budget_ns) {
			spin->budget_ns = spin->budget_ns > 4000
			                  ? spin->budget_ns / 2 : 0;
			return 0;
		}
	}
}

static int may_spin(const struct rh_caller_end *end)
{
	const struct rh_page_server *server = &end->page.head->server;
	uint32_t cpu = atomic_load_explicit(&server->cpu, memory_order_relaxed);

	return cpu != 0 && cpu != end->cpu;
}

int rh_caller_spin(struct rh_caller_end *end, int slot)
{
	if (is_done(end, slot))
		return 1;
	return may_spin(end) && spin(end, slot);
}

int rh_caller_wait(struct rh_caller_end *end, int slot, uint64_t until_ns, int fd)
{
	struct rh_page_head *head = end->page.head;
	uint32_t             seen;

	seen = atomic_load_explicit(&head->server.caller_bell, memory_order_seq_cst);
	/* P4 */
	atomic_exchange_explicit(&head->caller.asleep, RH_ASLEEP_FUTEX,
	                         memory_order_seq_cst);
	if (!is_done(end, slot))
		rh_await_word(&head->server.caller_bell, seen, until_ns, fd);
	atomic_store_explicit(&head->caller.asleep, RH_AWAKE, memory_order_relaxed);
	say_cpu(end);
	return is_done(end, slot) ? RH_OK : RH_EAGAIN;
}

int rh_caller_pending(const struct rh_caller_end *end)
{
	uint16_t wanted = end->in_flight & (uint16_t)~end->abandoned;

	for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
		if ((wanted & (1u << i)) && !is_done(end, i))
			return i;
	}
	return -1;
}

static int any_done(const struct rh_caller_end *end)
{
	uint16_t wanted = end->in_flight & (uint16_t)~end->abandoned;

	for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
		if ((wanted & (1u << i)) && is_done(end, i))
			return 1;
	}
	return 0;
}

int rh_caller_arm(struct rh_caller_end *end, int slot)
{
	/* P4 */
	atomic_exchange_explicit(&end->page.head->caller.asleep, RH_ASLEEP_EVENT,
	                         memory_order_seq_cst);
	if (slot >= 0 ? !is_done(end, slot) : !any_done(end))
		return RH_OK;
	rh_caller_woken(end);
	return RH_EAGAIN;
}

void rh_caller_woken(struct rh_caller_end *end)
{
	atomic_store_explicit(&end->page.head->caller.asleep, RH_AWAKE,
	                      memory_order_relaxed);
}
