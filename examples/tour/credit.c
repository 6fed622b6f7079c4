#include "credit.h"

#include <string.h>

/* Behind the 14 bytes of the Ethernet header, in network order. */
enum { AT_MAGIC = 14, AT_EPOCH = 18, AT_PARTNER = 22, AT_LIMIT = 26, AT_END = 34 };
#define MAGIC 0x52484352u /* "RHCR" */

static void put(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static uint64_t get(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

void credit_init(struct credit *credit, uint32_t epoch, uint64_t posted,
                 uint64_t window)
{
	*credit = (struct credit){ .epoch = epoch, .posted = posted, .window = window };
}

void credit_post(struct credit *credit, uint64_t count)
{
	credit->posted += count;
}

bool credit_receive(struct credit *credit)
{
	if (credit->received >= credit->posted)
		return false;
	credit->received++;
	return true;
}

static uint64_t limit(const struct credit *credit)
{
	uint64_t most = credit->received + credit->window; /* K3 */

	return credit->posted < most ? credit->posted : most;
}

/* In steps of a quarter, so that telling costs little and the other end never waits for
 * a word that does not come: what it has left is less than what we hold back. */
bool credit_is_due(const struct credit *credit)
{
	uint64_t room = credit->posted < credit->window ? credit->posted : credit->window;

	return limit(credit) > credit->told &&
	       (limit(credit) - credit->told) * 4 >= room;
}

bool credit_take(struct credit *credit)
{
	if (credit->sent >= credit->limit)
		return false;
	credit->sent++;
	return true;
}

void credit_untake(struct credit *credit)
{
	credit->sent--;
}

void credit_write(struct credit *credit, const uint8_t to[6], const uint8_t from[6],
                  uint8_t *frame)
{
	memset(frame, 0, CREDIT_FRAME_BYTES);
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	put(frame + 12, CREDIT_ETHERTYPE, 2);
	put(frame + AT_MAGIC, MAGIC, 4);
	put(frame + AT_EPOCH, credit->epoch, 4);
	put(frame + AT_PARTNER, credit->partner_epoch, 4);
	put(frame + AT_LIMIT, limit(credit), 8);
	credit->told = limit(credit);
}

bool credit_is_control(const uint8_t *frame, size_t len)
{
	return len >= AT_END && get(frame + 12, 2) == CREDIT_ETHERTYPE;
}

int credit_read(struct credit *credit, const uint8_t *frame, size_t len)
{
	int actions = CREDIT_NONE;

	if (!credit_is_control(frame, len) || get(frame + AT_MAGIC, 4) != MAGIC)
		return CREDIT_NONE;
	uint32_t epoch = (uint32_t)get(frame + AT_EPOCH, 4);
	uint64_t told = get(frame + AT_LIMIT, 8);

	if (epoch != credit->partner_epoch) {
		credit->partner_epoch = epoch;
		credit->posted -= credit->received; /* K2 */
		credit->received = 0;
		credit->sent = 0;
		credit->limit = 0;
		actions |= CREDIT_ANSWER;
	}
	/* A limit that was not meant for this epoch of ours counts for nothing. */
	if (get(frame + AT_PARTNER, 4) != credit->epoch)
		return actions | CREDIT_ANSWER;
	if (told > credit->limit) {
		credit->limit = told;
		actions |= CREDIT_MORE;
	}
	return actions;
}
