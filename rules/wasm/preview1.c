#include "preview1.h"

#include "../author/rhodes/rule_host.h"
#include "../wasi.h"
#include "instance.h"

#include <string.h>
#include <time.h>

/* What one call may take, so that it is over soon: a watchdog cannot end it. */
#define VECTORS_MAX 1024u
#define BYTES_MAX   65536u

#define NAME      "rule"
#define WORDS_MAX (RH_RULE_PARAMS_MAX * (RH_RULE_PARAM_MAX + RH_RULE_VALUE_MAX + 2))

typedef uint32_t answer(struct rh_instance *in, const uint64_t *values);

/* ---- memory of the rule ---- */

static bool put(struct rh_instance *in, uint64_t address, const void *bytes, uint32_t len)
{
	void *at = rh_instance_at(in, (uint32_t)address, len);

	if (at)
		memcpy(at, bytes, len);
	return at != NULL;
}

static uint32_t put_u32(struct rh_instance *in, uint64_t address, uint32_t value)
{
	return put(in, address, &value, sizeof value) ? RH_PREVIEW1_OK : RH_PREVIEW1_FAULT;
}

static uint32_t put_u64(struct rh_instance *in, uint64_t address, uint64_t value)
{
	return put(in, address, &value, sizeof value) ? RH_PREVIEW1_OK : RH_PREVIEW1_FAULT;
}

/* ---- arguments and environment ---- */

/* One after the other, each with a 0 behind. */
struct words {
	char     text[sizeof NAME + WORDS_MAX];
	uint32_t bytes, count;
};

static void collect(struct rh_instance *in, bool has_name, struct words *words)
{
	const struct rh_rule_host *host = rh_instance_host(in);

	words->bytes = words->count = 0;
	if (has_name) {
		memcpy(words->text, NAME, sizeof NAME);
		words->bytes = sizeof NAME;
	}
	if (host->list)
		words->bytes += host->list(host->user, words->text + words->bytes, WORDS_MAX);
	for (uint32_t i = 0; i < words->bytes; i++)
		words->count += words->text[i] == 0;
}

static uint32_t put_sizes(struct rh_instance *in, bool has_name, const uint64_t *values)
{
	struct words words;
	uint32_t     err;

	collect(in, has_name, &words);
	err = put_u32(in, values[0], words.count);
	return err ? err : put_u32(in, values[1], words.bytes);
}

static uint32_t put_words(struct rh_instance *in, bool has_name, const uint64_t *values)
{
	struct words words;
	uint32_t     to = (uint32_t)values[1];
	uint8_t     *pointers;
	uint8_t     *text;

	collect(in, has_name, &words);
	pointers = rh_instance_at(in, (uint32_t)values[0], words.count * 4);
	text = rh_instance_at(in, to, words.bytes);
	if (!pointers || !text)
		return RH_PREVIEW1_FAULT;
	memcpy(text, words.text, words.bytes);
	for (uint32_t at = 0; at < words.bytes; at += (uint32_t)strlen(words.text + at) + 1) {
		uint32_t address = to + at;

		memcpy(pointers, &address, 4);
		pointers += 4;
	}
	return RH_PREVIEW1_OK;
}

static uint32_t args_sizes_get(struct rh_instance *in, const uint64_t *values)
{
	return put_sizes(in, true, values);
}

static uint32_t args_get(struct rh_instance *in, const uint64_t *values)
{
	return put_words(in, true, values);
}

static uint32_t environ_sizes_get(struct rh_instance *in, const uint64_t *values)
{
	return put_sizes(in, false, values);
}

static uint32_t environ_get(struct rh_instance *in, const uint64_t *values)
{
	return put_words(in, false, values);
}

/* ---- descriptors ---- */

static uint32_t fd_close(struct rh_instance *in, const uint64_t *values)
{
	(void)in;
	return values[0] > 2 ? RH_PREVIEW1_BADF : RH_PREVIEW1_OK;
}

static uint32_t fd_fdstat_get(struct rh_instance *in, const uint64_t *values)
{
	struct {
		uint8_t  type, none;
		uint16_t flags;
		uint32_t hole;
		uint64_t rights, inherited;
	} status = { .type = 2 }; /* a character device: a libc then writes whole lines */

	_Static_assert(sizeof status == 24, "as WASI has it");
	if (values[0] > 2)
		return RH_PREVIEW1_BADF;
	status.rights = values[0] ? 1u << 6 : 1u << 1; /* write, read */
	return put(in, values[1], &status, sizeof status) ? RH_PREVIEW1_OK :
	                                                     RH_PREVIEW1_FAULT;
}

static uint32_t fd_fdstat_set_flags(struct rh_instance *in, const uint64_t *values)
{
	(void)in;
	return values[0] > 2 ? RH_PREVIEW1_BADF : RH_PREVIEW1_NOTSUP;
}

/* No folder was opened for it. */
static uint32_t fd_prestat(struct rh_instance *in, const uint64_t *values)
{
	(void)in, (void)values;
	return RH_PREVIEW1_BADF;
}

static uint32_t fd_seek(struct rh_instance *in, const uint64_t *values)
{
	(void)in;
	return values[0] > 2 ? RH_PREVIEW1_BADF : RH_PREVIEW1_SPIPE;
}

static uint32_t fd_read(struct rh_instance *in, const uint64_t *values)
{
	if (values[0])
		return RH_PREVIEW1_BADF;
	return put_u32(in, values[3], 0);
}

/* ---- the log ---- */

static void log_bytes(struct rh_instance *in, unsigned which, const char *bytes,
                      uint32_t len)
{
	const struct rh_rule_host *host = rh_instance_host(in);
	struct rh_preview1        *state = rh_instance_preview1(in);

	for (uint32_t i = 0; i < len; i++) {
		if (bytes[i] != '\n')
			state->line[which][state->used[which]++] = bytes[i];
		if (bytes[i] == '\n' || state->used[which] == RH_RULE_LOG_MAX) {
			host->log(host->user, state->line[which], state->used[which]);
			state->used[which] = 0;
		}
	}
}

/* The i-th vector, cut to what is left.  NULL: it is not in the memory. */
static const char *vector_at(struct rh_instance *in, const uint8_t *vectors, uint32_t i,
                             uint32_t left, uint32_t *ret_len)
{
	uint32_t vector[2];

	memcpy(vector, vectors + (size_t)i * 8, sizeof vector);
	*ret_len = vector[1] < left ? vector[1] : left;
	return rh_instance_at(in, vector[0], vector[1]);
}

static uint32_t fd_write(struct rh_instance *in, const uint64_t *values)
{
	uint32_t       count = (uint32_t)values[2], written = 0, len;
	const uint8_t *vectors;

	if (values[0] != 1 && values[0] != 2)
		return RH_PREVIEW1_BADF;
	if (count > VECTORS_MAX)
		return RH_PREVIEW1_INVAL;
	vectors = rh_instance_at(in, (uint32_t)values[1], count * 8);
	if (!vectors)
		return RH_PREVIEW1_FAULT;
	for (uint32_t i = 0; i < count; i++)
		if (!vector_at(in, vectors, i, 0, &len))
			return RH_PREVIEW1_FAULT;
	if (!rh_instance_at(in, (uint32_t)values[3], 4))
		return RH_PREVIEW1_FAULT;
	for (uint32_t i = 0; i < count && written < BYTES_MAX; i++) {
		const char *bytes = vector_at(in, vectors, i, BYTES_MAX - written, &len);

		log_bytes(in, (unsigned)values[0] - 1, bytes, len);
		written += len;
	}
	return put_u32(in, values[3], written);
}

/* ---- clock, random numbers, waiting ---- */

static bool is_clock(uint64_t id)
{
	return id <= 1; /* the wall's, the monotonic one */
}

static uint32_t clock_res_get(struct rh_instance *in, const uint64_t *values)
{
	return is_clock(values[0]) ? put_u64(in, values[1], 1) : RH_PREVIEW1_INVAL;
}

static uint32_t clock_time_get(struct rh_instance *in, const uint64_t *values)
{
	const struct rh_rule_host *host = rh_instance_host(in);
	struct timespec            time;

	if (!is_clock(values[0]))
		return RH_PREVIEW1_INVAL;
	if (values[0])
		return put_u64(in, values[2], host->now(host->user));
	clock_gettime(CLOCK_REALTIME, &time);
	return put_u64(in, values[2],
	               (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
}

static uint32_t random_get(struct rh_instance *in, const uint64_t *values)
{
	const struct rh_rule_host *host = rh_instance_host(in);
	uint32_t                   len = (uint32_t)values[1];
	uint8_t                   *to = rh_instance_at(in, (uint32_t)values[0], len);

	if (!to)
		return RH_PREVIEW1_FAULT;
	if (len > BYTES_MAX)
		return RH_PREVIEW1_INVAL;
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t bits = host->random(host->user);

		memcpy(to + i, &bits, len - i < 8 ? len - i : 8);
	}
	return RH_PREVIEW1_OK;
}

/* A rule may not wait. */
static uint32_t poll_oneoff(struct rh_instance *in, const uint64_t *values)
{
	(void)in, (void)values;
	return RH_PREVIEW1_NOTSUP;
}

static uint32_t sched_yield(struct rh_instance *in, const uint64_t *values)
{
	(void)in, (void)values;
	return RH_PREVIEW1_OK;
}

/* ---- all ---- */

static answer *const answers[RH_WASI_FUNCTIONS] = {
	[RH_WASI_sched_yield] = sched_yield,
	[RH_WASI_environ_sizes_get] = environ_sizes_get,
	[RH_WASI_environ_get] = environ_get,
	[RH_WASI_fd_close] = fd_close,
	[RH_WASI_fd_fdstat_get] = fd_fdstat_get,
	[RH_WASI_fd_fdstat_set_flags] = fd_fdstat_set_flags,
	[RH_WASI_fd_prestat_get] = fd_prestat,
	[RH_WASI_fd_prestat_dir_name] = fd_prestat,
	[RH_WASI_fd_read] = fd_read,
	[RH_WASI_fd_seek] = fd_seek,
	[RH_WASI_poll_oneoff] = poll_oneoff,
	[RH_WASI_clock_res_get] = clock_res_get,
	[RH_WASI_clock_time_get] = clock_time_get,
	[RH_WASI_random_get] = random_get,
	[RH_WASI_fd_write] = fd_write,
	[RH_WASI_args_sizes_get] = args_sizes_get,
	[RH_WASI_args_get] = args_get,
};

uint32_t rh_preview1_call(struct rh_instance *instance, uint32_t function,
                          const uint64_t *values)
{
	if (function >= RH_WASI_FUNCTIONS || !answers[function])
		return RH_PREVIEW1_NOSYS;
	return answers[function](instance, values);
}
