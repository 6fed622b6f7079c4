#include "services.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t now(void *user)
{
	struct timespec time;

	(void)user;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Of xorshift's family: 2^64 - 1 numbers before they come again. */
static uint64_t random_bits(void *user)
{
	struct rh_services *services = user;

	services->random ^= services->random >> 12;
	services->random ^= services->random << 25;
	services->random ^= services->random >> 27;
	return services->random * 0x2545f4914f6cdd1du;
}

static void log_line(void *user, const char *text, uint32_t length)
{
	struct rh_services *services = user;
	char                line[RH_RULE_LOG_MAX + 1];
	uint64_t            second = rh_clock_ns() / RH_NS_PER_S;
	uint32_t            used = 0;

	if (second != services->second) {
		services->second = second;
		services->lines = 0;
	}
	if (++services->lines > RH_RULE_LOG_SECOND) {
		++*services->dropped;
		return;
	}
	while (used < length && used < RH_RULE_LOG_MAX) {
		line[used] = text[used] >= ' ' && text[used] < 127 ? text[used] : '?';
		used++;
	}
	line[used] = 0;
	if (services->log)
		services->log(services->log_user, line);
}

static int32_t param(void *user, const char *name, uint32_t length, char *into,
                     uint32_t room)
{
	const struct rh_services *services = user;
	const char               *at = services->params;

	for (unsigned i = 0; i < services->param_count; i++) {
		const char *value = at + strlen(at) + 1;
		size_t      len = strlen(value);

		if (strlen(at) == length && memcmp(at, name, length) == 0) {
			if (len > room)
				return -1;
			memcpy(into, value, len);
			return (int32_t)len;
		}
		at = value + len + 1;
	}
	return -1;
}

static uint32_t list(void *user, char *into, uint32_t room)
{
	const struct rh_services *services = user;
	const char               *at = services->params;
	uint32_t                  used = 0;

	for (unsigned i = 0; i < services->param_count; i++) {
		size_t name = strlen(at), value = strlen(at + name + 1);

		if (name + value + 2 > room - used)
			return 0;
		memcpy(into + used, at, name);
		into[used + name] = '=';
		memcpy(into + used + name + 1, at + name + 1, value + 1);
		used += (uint32_t)(name + value + 2);
		at += name + value + 2;
	}
	return used;
}

static int copy_params(struct rh_services *services, const struct rh_rule_source *source,
                       struct rh_diag *diag)
{
	size_t bytes = 0;
	char  *at;

	if (source->param_count > RH_RULE_PARAMS_MAX)
		return rh_diag_set(diag, RH_EINVAL, "%u parameters, at most %u are allowed",
		                   source->param_count, RH_RULE_PARAMS_MAX);
	for (unsigned i = 0; i < source->param_count; i++) {
		size_t name = strlen(source->params[i].name);
		size_t value = strlen(source->params[i].value);

		if (!name || name > RH_RULE_PARAM_MAX || value > RH_RULE_VALUE_MAX)
			return rh_diag_set(diag, RH_EINVAL, "parameter %.64s: a name has 1 to %u bytes, "
			                   "a value at most %u", source->params[i].name,
			                   RH_RULE_PARAM_MAX, RH_RULE_VALUE_MAX);
		bytes += name + value + 2;
	}
	at = services->params = malloc(bytes + 1);
	if (!at)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	for (unsigned i = 0; i < source->param_count; i++) {
		at = stpcpy(at, source->params[i].name) + 1;
		at = stpcpy(at, source->params[i].value) + 1;
	}
	services->param_count = source->param_count;
	return RH_OK;
}

int rh_services_init(struct rh_services *services, const struct rh_rule_source *source,
                     uint64_t *dropped, struct rh_diag *diag)
{
	*services = (struct rh_services){
		.host = { .user = services, .now = now, .random = random_bits, .log = log_line,
		          .param = param, .list = list },
		.other = source->host,
		.log = source->log,
		.log_user = source->log_user,
		.dropped = dropped,
	};
	if (getrandom(&services->random, sizeof services->random, GRND_NONBLOCK) < 0)
		services->random = now(NULL);
	services->random |= 1;
	return copy_params(services, source, diag);
}

void rh_services_fini(struct rh_services *services)
{
	free(services->params);
}

const struct rh_rule_host *rh_services_host(const struct rh_services *services)
{
	return services->other ? services->other : &services->host;
}
