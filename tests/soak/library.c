/* See soak.h. */
#include "soak.h"

#include "history.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct soak_chain {
	uint64_t value;
};

static struct history *history;

/* Only in a worker: whoever calls has a shadow of this library. */
__attribute__((constructor)) static void open_history(void)
{
	const char *path = getenv("SOAK_HISTORY");

	if (path && !(history = history_open(path)))
		abort();
}

static uint64_t leave(uint64_t id, uint64_t value)
{
	history_leave(history, id);
	return value;
}

EXPORT uint64_t soak_once(uint64_t id, uint64_t number)
{
	history_enter(history, id);
	return leave(id, values_of(id, number));
}

EXPORT uint64_t soak_again(uint64_t id, uint64_t number)
{
	history_enter(history, id);
	return leave(id, values_of(id, number));
}

EXPORT int soak_add(uint64_t id, const unsigned char *bytes, size_t len,
                    uint64_t *ret_sum)
{
	history_enter(history, id);
	*ret_sum = values_sum(id, bytes, len);
	leave(id, 0);
	return 0;
}

EXPORT size_t soak_echo(uint64_t id, const unsigned char *bytes, size_t len,
                        unsigned char *out, size_t room)
{
	size_t fits = len < room ? len : room;

	history_enter(history, id);
	memcpy(out, bytes, fits);
	leave(id, 0);
	return fits;
}

EXPORT soak_chain *soak_open(uint64_t id, uint64_t number)
{
	soak_chain *chain = malloc(sizeof *chain);

	history_enter(history, id);
	if (chain)
		chain->value = values_of(id, number);
	leave(id, 0);
	return chain;
}

EXPORT uint64_t soak_put(soak_chain *chain, uint64_t id)
{
	history_enter(history, id);
	chain->value = values_link(chain->value, id);
	return leave(id, chain->value);
}

EXPORT uint64_t soak_look(soak_chain *chain, uint64_t id)
{
	history_enter(history, id);
	return leave(id, values_of(id, chain->value));
}

EXPORT uint64_t soak_take(soak_chain *chain, uint64_t id)
{
	history_enter(history, id);
	return leave(id, values_of(id, chain->value));
}

EXPORT uint64_t soak_close(soak_chain *chain, uint64_t id)
{
	uint64_t value;

	history_enter(history, id);
	value = values_of(id, chain->value);
	free(chain);
	return leave(id, value);
}
