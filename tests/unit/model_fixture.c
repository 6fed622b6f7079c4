#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/judge.h"
#include "../../model/rule.h"

struct rh_name name_of(const char *text)
{
	struct rh_name name;
	int r = rh_name_init(&name, text, strlen(text));

	assert_int_equal(r, RH_OK);
	return name;
}

struct rh_name rule_name_of(const char *text)
{
	struct rh_name name;
	int r = rh_name_init_rule(&name, text, strlen(text));

	assert_int_equal(r, RH_OK);
	return name;
}

static void hear(void *user, const struct rh_edge_report *report)
{
	struct world *world = user;

	assert_true(world->change_count < CHANGES_MAX);
	world->changes[world->change_count++] = *report;
}

struct world *world_create(uint32_t resources, uint32_t edges, uint32_t instances,
                           uint32_t exceptions)
{
	struct rh_limits limits = { resources, edges, instances, exceptions, 42 };
	struct world    *world = calloc(1, sizeof *world);

	assert_non_null(world);
	world->bytes = rh_registry_bytes(&limits);
	assert_true(world->bytes > 0);
	/* Not zeroed: the model must not rely on it. */
	world->memory = aligned_alloc(64, world->bytes);
	assert_non_null(world->memory);
	memset(world->memory, 0xa5, world->bytes);
	int r = rh_registry_init(&world->registry, &limits, world->memory, world->bytes);
	assert_int_equal(r, RH_OK);
	world->at = (struct rh_moment){ 1000, hear, world };
	return world;
}

void world_destroy(struct world *world)
{
	rh_registry_verify(&world->registry);
	free(world->memory);
	free(world);
}

static struct rh_spec spec_of(const char *name, int type, const char *references,
                              struct rh_name *names)
{
	struct rh_spec spec = {
		.name = name_of(name), .type = (uint8_t)type, .references = names,
	};

	while (references && *references) {
		size_t len = strcspn(references, " ");
		int    r;

		assert_true(spec.reference_count < REFS_MAX);
		r = rh_name_init(&names[spec.reference_count++], references, len);
		assert_int_equal(r, RH_OK);
		references += len;
		references += strspn(references, " ");
	}
	return spec;
}

int enroll(struct world *world, const char *name, int type, const char *references,
           struct rh_verdict *ret_verdict)
{
	struct rh_name names[REFS_MAX];
	struct rh_spec spec = spec_of(name, type, references, names);

	return rh_registry_register(&world->registry, &spec, &world->at, NULL,
	                            ret_verdict);
}

int load(struct world *world, const char *name, int type, const char *references)
{
	struct rh_name names[REFS_MAX];
	struct rh_spec spec = spec_of(name, type, references, names);

	return rh_registry_load(&world->registry, &spec, &world->at, NULL);
}

int check(const struct world *world, const char *name, int type,
          const char *references, struct rh_verdict *ret_verdict)
{
	struct rh_name names[REFS_MAX];
	struct rh_spec spec = spec_of(name, type, references, names);

	return rh_registry_check(&world->registry, &spec, world->at.now_ms, ret_verdict);
}

struct rh_id id_of(const struct world *world, const char *name)
{
	struct rh_name key = name_of(name);
	struct rh_id   id = { 0, 0 };
	int r = rh_registry_find(&world->registry, &key, &id);

	assert_int_equal(r, RH_OK);
	return id;
}

int erase(struct world *world, const char *name)
{
	return rh_registry_delete(&world->registry, id_of(world, name), &world->at);
}

int may_call(const struct world *world, const char *caller, const char *callee)
{
	return rh_judge_call(&world->registry, id_of(world, caller),
	                     id_of(world, callee), world->at.now_ms);
}

int except(struct world *world, const char *caller, const char *callee,
           uint64_t expires_ms)
{
	char rule[2 * RH_NAME_MAX];

	snprintf(rule, sizeof rule, "%s-%s", caller, callee);
	struct rh_exception_spec spec = {
		.rule = rule_name_of(rule),
		.caller = name_of(caller), .callee = name_of(callee),
		.revision = 7, .expires_ms = expires_ms,
		.reason = "until the driver is split", .reason_len = 25,
	};
	return rh_rule_put_exception(&world->registry, &spec, &world->at);
}

static int is_called(const struct world *world, struct rh_id id, const char *name)
{
	const struct rh_resource *resource = rh_registry_get(&world->registry, id);

	return resource && strcmp(resource->name.text, name) == 0;
}

int heard(struct world *world, const char *caller, const char *callee, int before,
          int after)
{
	size_t kept = 0;
	int    found = 0;

	for (size_t i = 0; i < world->change_count; i++) {
		const struct rh_edge_report *report = &world->changes[i];

		if (is_called(world, report->caller, caller) &&
		    is_called(world, report->callee, callee) &&
		    report->before == before && report->after == after)
			found++;
		else
			world->changes[kept++] = *report;
	}
	world->change_count = kept;
	return found == 1;
}

size_t forget(struct world *world)
{
	size_t count = world->change_count;

	world->change_count = 0;
	return count;
}

uint32_t random_below(uint64_t *seed, uint32_t limit)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)((*seed * 0x2545f4914f6cdd1dull) >> 33) % limit;
}
