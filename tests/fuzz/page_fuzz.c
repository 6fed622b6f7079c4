/* The call page: a program of small steps on both ends, with words of the page written
 * in between by a hostile peer.  Whatever was written, what an end hands out lies
 * inside the page and has the length it says; the page is surrounded by memory that
 * may not be touched. */
#include "../../model/check.h"
#include "../../protocols/page/page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 300, GUARD = 1 << 16 };

static volatile unsigned sink;

struct play {
	const uint8_t       *data;
	size_t               left;
	unsigned char       *memory;
	struct rh_caller_end caller;
	struct rh_server_end server;
	int                  reserved[RH_PAGE_SLOTS]; /* 1 reserved, 2 submitted */
	struct rh_taken      taken[RH_PAGE_SLOTS];
	unsigned             taken_count;
};

static uint32_t take(struct play *play, size_t count)
{
	uint32_t value = 0;

	for (; count > 0 && play->left > 0; count--, play->left--)
		value = value << 8 | *play->data++;
	return value;
}

/* Mostly where something is looked at: heads and slots. */
static void write_word(struct play *play)
{
	uint32_t at = take(play, 2), value = take(play, 4);
	size_t   offset = at & 0x8000 ? (size_t)(at & 0x7fff) * 521 : (at & 0x7fff) / 2;

	offset = (offset % (RH_PAGE_BYTES - 3)) & ~(size_t)3;
	memcpy(play->memory + offset, &value, sizeof value);
}

static int within(const struct play *play, const void *at, size_t len)
{
	const unsigned char *byte = at;

	return byte >= play->memory + RH_PAGE_SLOTS_OFF &&
	       byte <= play->memory + RH_PAGE_BYTES &&
	       len <= (size_t)(play->memory + RH_PAGE_BYTES - byte);
}

static void check_taken(const struct play *play, const struct rh_taken *taken)
{
	RH_CHECK(taken->slot < RH_PAGE_SLOTS && taken->fds <= RH_CALL_FDS_MAX);
	RH_CHECK(taken->reply_cap <= RH_PAYLOAD_ARENA_MAX);
	RH_CHECK(!taken->reply_far || within(play, taken->reply_far, taken->reply_cap));
	if (taken->flags & RH_SLOT_ARGS_MEMFD)
		RH_CHECK(!taken->args && taken->args_len <= RH_PAYLOAD_MAX && taken->fds > 0);
	else
		RH_CHECK(taken->args_len <= RH_PAYLOAD_ARENA_MAX &&
		         within(play, taken->args, taken->args_len));
}

static void serve(struct play *play)
{
	struct rh_taken taken;

	if (play->taken_count == RH_PAGE_SLOTS || rh_server_take(&play->server, &taken) != 1)
		return;
	check_taken(play, &taken);
	play->taken[play->taken_count++] = taken;
}

static void finish(struct play *play)
{
	uint32_t draw = take(play, 1);
	struct rh_taken taken;
	struct rh_reply reply = { .status = draw & 1 ? -1 : 0 };

	if (play->taken_count == 0)
		return;
	taken = play->taken[draw / 2 % play->taken_count];
	play->taken[draw / 2 % play->taken_count] = play->taken[--play->taken_count];
	reply.len = take(play, 3) % (RH_SLOT_INLINE_MAX * 4);
	if (reply.len > RH_SLOT_INLINE_MAX && reply.len > taken.reply_cap)
		reply.len = RH_SLOT_INLINE_MAX;
	memset(reply.len <= RH_SLOT_INLINE_MAX ? taken.reply_near : taken.reply_far,
	       (int)draw, reply.len);
	if (draw & 64)
		reply.flags = RH_SLOT_REPLY_MEMFD;
	rh_server_finish(&play->server, &taken, &reply);
}

static void reserve(struct play *play)
{
	static const uint32_t lens[] = { 0, 8, 384, 385, 70000, RH_PAYLOAD_ARENA_MAX,
	                                 RH_PAYLOAD_ARENA_MAX + 1, UINT32_MAX };
	uint32_t       draw = take(play, 1), len = lens[draw % 8];
	unsigned char *args = NULL;
	int slot = rh_caller_reserve(&play->caller, len, lens[draw / 8 % 8], &args);

	RH_CHECK(slot == RH_EAGAIN || slot == RH_EMSGSIZE ||
	         (slot >= 0 && slot < (int)RH_PAGE_SLOTS));
	if (slot < 0)
		return;
	RH_CHECK(within(play, args, len) && play->reserved[slot] == 0);
	play->reserved[slot] = 1;
	if (len <= RH_SLOT_INLINE_MAX)
		memset(args, 1, len);
}

static void submit(struct play *play, int slot)
{
	struct rh_request request = {
		.function = 1, .args_len = take(play, 2),
		.flags = (uint16_t)take(play, 1), .fds = 1,
	};

	if (play->reserved[slot] != 1)
		return;
	rh_caller_submit(&play->caller, slot, &request);
	play->reserved[slot] = 2;
}

static void collect(struct play *play, int slot)
{
	struct rh_reply reply;

	if (play->reserved[slot] != 2)
		return;
	int r = rh_caller_collect(&play->caller, slot, &reply);
	RH_CHECK(r == RH_OK || r == RH_EAGAIN || r == RH_EPROTO);
	if (r == RH_EAGAIN)
		return;
	if (r == RH_OK && reply.bytes) {
		RH_CHECK(within(play, reply.bytes, reply.len));
		for (uint32_t i = 0; i < reply.len; i++)
			sink += reply.bytes[i];
	}
	if (r == RH_OK && !reply.bytes)
		RH_CHECK((reply.flags & RH_SLOT_REPLY_MEMFD) && reply.len <= RH_PAYLOAD_MAX);
	rh_caller_release(&play->caller, slot);
	play->reserved[slot] = 0;
}

static void give_up(struct play *play, int slot)
{
	if (play->reserved[slot] == 1)
		rh_caller_unreserve(&play->caller, slot);
	else if (play->reserved[slot] == 2)
		rh_caller_abandon(&play->caller, slot, 1);
	play->reserved[slot] = 0;
}

static void step(struct play *play)
{
	uint32_t what = take(play, 1);
	int      slot = (int)(what >> 4);

	switch (what % 16) {
	case 0: case 1: case 2: case 3:
		write_word(play);
		break;
	case 4: case 5:
		reserve(play);
		break;
	case 6: case 7:
		submit(play, slot);
		break;
	case 8: case 9:
		serve(play);
		break;
	case 10:
		finish(play);
		break;
	case 11: case 12:
		collect(play, slot);
		break;
	case 13:
		give_up(play, slot);
		break;
	case 14:
		if (rh_server_arm(&play->server, RH_ASLEEP_EVENT) == RH_OK)
			rh_server_woken(&play->server);
		rh_server_may_spin(&play->server);
		break;
	default:
		if (rh_caller_arm(&play->caller, slot % 4 ? slot : -1) == RH_OK)
			rh_caller_woken(&play->caller);
		rh_page_check(play->memory);
	}
}

static unsigned char *surrounded(void)
{
	unsigned char *at = mmap(NULL, RH_PAGE_BYTES + 2 * GUARD, PROT_NONE,
	                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED ||
	    mprotect(at + GUARD, RH_PAGE_BYTES, PROT_READ | PROT_WRITE) < 0)
		abort();
	return at + GUARD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char *memory;
	static struct play    play;

	if (!memory)
		memory = surrounded();
	madvise(memory, RH_PAGE_BYTES, MADV_DONTNEED);
	memset(&play, 0, sizeof play);
	play.data = data;
	play.left = size;
	play.memory = memory;
	rh_page_format(memory, 1, 2, 3, 0);
	rh_caller_init(&play.caller, memory, -1);
	rh_server_init(&play.server, memory, -1);
	for (int i = 0; i < STEPS_MAX && play.left > 0; i++)
		step(&play);
	return 0;
}
