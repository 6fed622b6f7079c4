/* balance - a filter: which instance of the callee takes a call.
 *
 *   caller  each calling process has its instance
 *   turn    one after the other
 *   key     calls with the same bytes at the same place of their arguments go to the same
 *           instance, so that each keeps its part of the data
 *
 * The first and the last choose by a consistent hash (Lamping and Veach, 2014): with an
 * instance more or less, no more calls go elsewhere than must.  Where none can be chosen,
 * and where the call has no such bytes, the agent chooses.
 *
 * params  by      caller, turn or key (caller)
 *         offset  where the key begins in the bytes of the arguments (0)
 *         length  how many bytes it has (8) */
#include <rhodes/hook/filter.h>

#define BYTES (uint64_t)sizeof rh_filter.bytes

RH_RULE(filter);

enum by { BY_NOTHING, BY_CALLER, BY_TURN, BY_KEY };

static enum by  by;
static uint64_t offset, length;
static uint64_t turn;

/* There is no libc in a module. */
static int is_word(const char *word, int32_t len, const char *other)
{
	for (int32_t i = 0; i < len; i++)
		if (!other[i] || word[i] != other[i])
			return 0;
	return !other[len];
}

static enum by by_of(const char *word, int32_t len)
{
	if (len <= 0 || is_word(word, len, "caller"))
		return BY_CALLER;
	if (is_word(word, len, "turn"))
		return BY_TURN;
	return is_word(word, len, "key") ? BY_KEY : BY_NOTHING;
}

int32_t rh_init(void)
{
	char word[8];

	by = by_of(word, rh_param("by", 2, word, sizeof word));
	offset = RH_PARAM_NUMBER("offset", 0);
	length = RH_PARAM_NUMBER("length", 8);
	return by == BY_NOTHING || length == 0 || length > BYTES || offset > BYTES - length;
}

static uint64_t mixed(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
	return hash ^ hash >> 31;
}

static uint64_t hash_of_key(void)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (uint64_t i = 0; i < length; i++)
		hash = (hash ^ rh_filter.bytes[offset + i]) * 0x100000001b3u;
	return hash;
}

/* A place below count.  From n places to n + 1 it changes for one hash in n + 1, and then
 * to the new one. */
static uint32_t place_of(uint64_t hash, uint32_t count)
{
	uint64_t place = 0, next = 0;

	hash = mixed(hash);
	while (next < count) {
		place = next;
		hash = hash * 2862933555777941757u + 1;
		next = ((place + 1) << 31) / ((hash >> 33) + 1);
	}
	return (uint32_t)place;
}

int32_t rh_filter_before(void)
{
	uint32_t count = rh_filter.instances;

	if (count == 0)
		return RH_FILTER_ALLOW;
	if (by == BY_TURN)
		rh_filter.chosen = (uint32_t)(turn++ % count);
	else if (by == BY_CALLER)
		rh_filter.chosen = place_of(rh_filter.caller, count);
	else if (offset + length <= rh_filter.visible)
		rh_filter.chosen = place_of(hash_of_key(), count);
	return RH_FILTER_ALLOW;
}

int32_t rh_save(int32_t room)
{
	if ((uint32_t)room < sizeof turn)
		return -1;
	*(uint64_t *)(void *)rh_filter.bytes = turn;
	return (int32_t)sizeof turn;
}

int32_t rh_restore(int32_t len)
{
	if ((uint32_t)len != sizeof turn)
		return 1;
	turn = *(uint64_t *)(void *)rh_filter.bytes;
	return 0;
}
