#include "rules_three.h"

#include "../../model/error.h"
#include "../../rules/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rh_rule_param *params;

/* ---- a host that says the same to all ---- */

uint64_t three_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 20;
}

static uint64_t host_now(void *user)
{
	return ((struct three_world *)user)->clock_ns;
}

static uint64_t host_random(void *user)
{
	return three_random(&((struct three_world *)user)->random);
}

static void host_log(void *user, const char *text, uint32_t length)
{
	(void)user, (void)text, (void)length;
}

static int32_t host_param(void *user, const char *name, uint32_t length, char *into,
                          uint32_t room)
{
	(void)user;
	for (const struct rh_rule_param *param = params; param && param->name; param++) {
		size_t value = strlen(param->value);

		if (strlen(param->name) != length || memcmp(param->name, name, length) != 0)
			continue;
		if (value > room)
			return -1;
		memcpy(into, param->value, value);
		return (int32_t)value;
	}
	return -1;
}

void three_params(const struct rh_rule_param *wanted)
{
	params = wanted;
}

/* The rule whose native one is another than the others: rules_mutants.py. */
static const char *mutant(void)
{
	return getenv("RULES_MUTANT");
}

/* Of one in a folder: "sched_cfs". */
static const char *mutant_name(const char *name, char text[64])
{
	snprintf(text, 64, "%s", name);
	for (char *at = text; *at; at++)
		if (*at == '/')
			*at = '_';
	return text;
}

bool three_wants(const char *name)
{
	char text[64];

	return !mutant() || strcmp(mutant(), mutant_name(name, text)) == 0;
}

static int object_of(const char *name, const char *hook, int build)
{
	char     path[512];
	size_t   len;
	uint8_t *module;

	if (build == NATIVE && mutant() && three_wants(name))
		snprintf(path, sizeof path, "%s/mutant_%s.so", MUTANTS, mutant());
	else
		snprintf(path, sizeof path, "%s/%s.%s", RULES, name,
		         build == NATIVE ? "so" : "wasm");
	if (build == NATIVE)
		return fixture_freeze(path);
	module = fixture_read(path, &len);
	struct rh_build job = {
		.hook = rh_hook_find(hook), .module = module, .module_bytes = len,
		.is_portable = build == PORTABLE, .has_fuel = build == FUEL,
	};
	struct rh_built built = { .fd = -1 };
	struct rh_diag  diag = { 0 };
	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s: %s", name, diag.text);
	free(module);
	return built.fd;
}

void three_load(struct three *three, const char *name, const char *hook)
{
	for (int i = 0; i < BUILDS; i++) {
		struct rh_diag diag = { 0 };
		int            fd = object_of(name, hook, i);

		three->worlds[i] = (struct three_world){ .clock_ns = 1000000000, .random = 7 };
		three->hosts[i] = (struct rh_rule_host){
			&three->worlds[i], host_now, host_random, host_log, host_param, NULL,
		};
		struct rh_rule_source source = {
			.hook = rh_hook_find(hook), .mode = i == NATIVE ? RH_RULE_NATIVE : RH_RULE_WASM,
			.object_fd = fd, .host = &three->hosts[i],
			.limits = { .fuel = i == FUEL ? 1u << 30 : 0 },
		};
		if (rh_rule_load(&source, &three->rules[i], &diag) < 0)
			fail_msg("%s: %s", name, diag.text);
		close(fd);
	}
}

void three_unload(struct three *three)
{
	for (int i = 0; i < BUILDS; i++)
		rh_rule_destroy(three->rules[i]);
}

static uint32_t call(struct rh_rule *rule, unsigned slot, uint64_t a, uint64_t b)
{
	uint64_t value = 0;

	assert_non_null(rh_rule_buffer(rule));
	if (rh_rule_call(rule, slot, a, b, &value) < 0)
		fail_msg("%s", rh_rule_why(rule));
	return (uint32_t)value;
}

uint32_t three_call(struct three *three, unsigned slot, uint64_t a, uint64_t b)
{
	uint32_t said = call(three->rules[0], slot, a, b);

	for (int i = 1; i < BUILDS; i++) {
		uint32_t other = call(three->rules[i], slot, a, b);

		if (other != said)
			fail_msg("slot %u (%llu, %llu): native %u, build %d %u", slot,
			         (unsigned long long)a, (unsigned long long)b, said, i, other);
	}
	return said;
}

void three_put(struct three *three, size_t at, const void *bytes, size_t len)
{
	for (int i = 0; i < BUILDS; i++)
		memcpy((uint8_t *)rh_rule_buffer(three->rules[i]) + at, bytes, len);
}

void three_compare(struct three *three, size_t at, size_t len)
{
	const uint8_t *first = rh_rule_buffer(three->rules[0]);

	for (int i = 1; i < BUILDS; i++)
		assert_memory_equal((uint8_t *)rh_rule_buffer(three->rules[i]) + at, first + at,
		                    len);
}

bool three_has_tools(void)
{
	if (!fixture_has_tools())
		return false;
	if (access(RULES "/limiter.wasm", R_OK) == 0)
		return true;
	printf("skipped: no clang and wasm-ld that make modules of C (apt-get install "
	       "clang lld)\n");
	return false;
}
