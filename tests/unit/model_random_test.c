/* Random work on a registry with small tables, against a model so plain that it
 * can be believed: a table of every pair.  After each step every pair is asked
 * for its verdict, and what the registry reported must be what changed. */
#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/event.h"
#include "../../model/judge.h"
#include "../../model/rule.h"
#include "../../model/view.h"

#define N         9
#define NAMES     8   /* one fewer than there are: sometimes full */
#define EDGES     18
#define EXCEPTIONS 5
#define STEPS     12000

struct plain {
	int                 registered[N];
	int                 type[N];
	int                 declared[N][N];
	int                 excepted[N][N];
	uint64_t            expires_ms[N][N];
	uint64_t            observed[N][N];
	struct rh_hierarchy hierarchy;
	uint64_t            now_ms;
};

struct trial {
	struct world *world;
	struct plain  plain;
	uint64_t      seed;
	struct rh_name names[N];
	int           before[N][N];    /* outcomes before the step */
	int           reported[N][N];  /* 0, or before * 16 + after + 1 */
	int           is_twice;
	int           results[8];      /* how often which answer came */
};

static int number_of(const struct trial *t, struct rh_id id)
{
	const struct rh_resource *resource = rh_registry_get(&t->world->registry, id);

	assert_non_null(resource);
	return resource->name.text[0] - 'a';
}

static void hear(void *user, const struct rh_edge_report *report)
{
	struct trial *t = user;
	int i = number_of(t, report->caller), j = number_of(t, report->callee);

	t->is_twice |= t->reported[i][j] != 0;
	t->reported[i][j] = report->before * 16 + report->after + 1;
}

static int outcome(const struct plain *p, int i, int j, uint64_t now_ms)
{
	uint64_t expires_ms = p->expires_ms[i][j];

	if (!p->declared[i][j])
		return RH_OUTCOME_NONE;
	if (!p->registered[j])
		return RH_OUTCOME_PENDING;
	if (p->hierarchy.allow[p->type[i]][p->type[j]])
		return RH_OUTCOME_ALLOWED;
	if (p->excepted[i][j] && (expires_ms == 0 || now_ms < expires_ms))
		return RH_OUTCOME_ALLOWED;
	return RH_OUTCOME_REFUSED;
}

/* How many names and edges a state takes. */
static int names_in(const struct plain *p)
{
	int count = 0;

	for (int i = 0; i < N; i++) {
		int is_used = p->registered[i];

		for (int j = 0; j < N; j++)
			is_used |= p->declared[j][i] | p->excepted[i][j] |
			           p->excepted[j][i];
		count += is_used;
	}
	return count;
}

static int edges_in(const struct plain *p)
{
	int count = 0;

	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++)
			count += p->declared[i][j];
	}
	return count;
}

static int is_full(const struct plain *p)
{
	return names_in(p) > NAMES || edges_in(p) > EDGES;
}

/* The registration as the plain model does it; *p is the new state on RH_OK. */
static int plain_register(struct plain *p, int i, int type, const int *refs, int count,
                          int is_load)
{
	struct plain next = *p;

	next.registered[i] = 1;
	next.type[i] = type;
	memset(next.declared[i], 0, sizeof next.declared[i]);
	for (int k = 0; k < count; k++) {
		int j = refs[k];

		if (j == i || next.declared[i][j])
			return RH_EINVAL;
		next.declared[i][j] = 1;
		if (outcome(&next, i, j, p->now_ms) == RH_OUTCOME_REFUSED && !is_load)
			return RH_ELAYER;
	}
	if (is_full(&next))
		return RH_ENOSPC;
	for (int j = 0; j < N; j++) {
		if (!next.declared[i][j])
			next.observed[i][j] = 0;
	}
	*p = next;
	return RH_OK;
}

static void step_register(struct trial *t)
{
	int            i = (int)random_below(&t->seed, N);
	int            is_load = random_below(&t->seed, 5) == 0;
	int            refs[4], count = (int)random_below(&t->seed, 5);
	struct rh_name names[4];
	struct rh_spec spec = {
		.name = t->names[i], .type = (uint8_t)random_below(&t->seed, RH_TYPES),
		.references = names, .reference_count = (uint32_t)count,
	};
	struct rh_id   id;
	int            got;

	for (int k = 0; k < count; k++) {
		refs[k] = (int)random_below(&t->seed, N);
		names[k] = t->names[refs[k]];
	}
	int want = plain_register(&t->plain, i, spec.type, refs, count, is_load);
	if (is_load) {
		got = rh_registry_load(&t->world->registry, &spec, &t->world->at, &id);
	} else {
		int asked = rh_registry_check(&t->world->registry, &spec,
		                              t->plain.now_ms, NULL);
		assert_int_equal(asked, want);
		got = rh_registry_register(&t->world->registry, &spec, &t->world->at,
		                           &id, NULL);
	}
	assert_int_equal(got, want);
	if (want == RH_OK)
		assert_int_equal(number_of(t, id), i);
	t->results[want == RH_OK ? 0 : want == RH_EINVAL ? 1 : want == RH_ELAYER ? 2 : 3]++;
}

static void step_delete(struct trial *t)
{
	int          i = (int)random_below(&t->seed, N);
	struct rh_id id;
	int r = rh_registry_find(&t->world->registry, &t->names[i], &id);

	assert_int_equal(r, t->plain.registered[i] ? RH_OK : RH_ENOENT);
	if (r != RH_OK)
		return;
	assert_int_equal(rh_registry_delete(&t->world->registry, id, &t->world->at),
	                 RH_OK);
	assert_null(rh_registry_get(&t->world->registry, id));
	t->plain.registered[i] = 0;
	memset(t->plain.declared[i], 0, sizeof t->plain.declared[i]);
	memset(t->plain.observed[i], 0, sizeof t->plain.observed[i]);
}

static void step_hierarchy(struct trial *t)
{
	struct rh_hierarchy *hierarchy = &t->plain.hierarchy;

	rh_hierarchy_init(hierarchy, hierarchy->revision + 1);
	for (int k = (int)random_below(&t->seed, 3); k > 0; k--) {
		uint32_t cell = random_below(&t->seed, 16);

		hierarchy->allow[cell / 4][cell % 4] ^= 1;
	}
	assert_true(rh_rule_put_hierarchy(&t->world->registry, hierarchy,
	                                  &t->world->at) >= 0);
}

static int exceptions_in(const struct plain *p)
{
	int count = 0;

	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++)
			count += p->excepted[i][j];
	}
	return count;
}

static void step_except(struct trial *t)
{
	int          i = (int)random_below(&t->seed, N), j = (int)random_below(&t->seed, N);
	struct plain next = t->plain;
	int          want = RH_OK;
	struct rh_exception_spec spec = {
		.rule = rule_name_of("rule"), .caller = t->names[i],
		.callee = t->names[j], .reason = "why", .reason_len = 3,
		.expires_ms = random_below(&t->seed, 2) ? 0 :
		              t->plain.now_ms + random_below(&t->seed, 50),
	};

	next.excepted[i][j] = 1;
	next.expires_ms[i][j] = spec.expires_ms;
	if (i == j)
		want = RH_EINVAL;
	else if (is_full(&next) || exceptions_in(&next) > EXCEPTIONS)
		want = RH_ENOSPC;
	else
		t->plain = next;
	int got = rh_rule_put_exception(&t->world->registry, &spec, &t->world->at);
	assert_int_equal(got < 0 ? got : RH_OK, want);
	t->results[want == RH_OK ? 4 : 5]++;
}

static void step_unexcept(struct trial *t)
{
	int i = (int)random_below(&t->seed, N), j = (int)random_below(&t->seed, N);
	int want = t->plain.excepted[i][j] ? RH_OK : RH_ENOENT;
	int got = rh_rule_remove_exception(&t->world->registry, &t->names[i],
	                                   &t->names[j], &t->world->at);

	assert_int_equal(got < 0 ? got : RH_OK, want);
	t->plain.excepted[i][j] = 0;
}

static void step_time(struct trial *t)
{
	uint64_t since_ms = t->plain.now_ms;

	t->plain.now_ms += random_below(&t->seed, 40);
	t->world->at.now_ms = t->plain.now_ms;
	assert_true(rh_rule_expire(&t->world->registry, since_ms, &t->world->at) >= 0);
}

static void step_observe(struct trial *t)
{
	int          i = (int)random_below(&t->seed, N), j = (int)random_below(&t->seed, N);
	struct rh_id from, to;

	if (!t->plain.registered[i] || !t->plain.registered[j])
		return;
	assert_int_equal(rh_registry_find(&t->world->registry, &t->names[i], &from), 0);
	assert_int_equal(rh_registry_find(&t->world->registry, &t->names[j], &to), 0);
	int got = rh_registry_observe(&t->world->registry, from, to, 3);
	assert_int_equal(got, t->plain.declared[i][j] ? RH_OK : RH_ENOEDGE);
	t->plain.observed[i][j] += t->plain.declared[i][j] ? 3 : 0;
}

static void compare_pair(struct trial *t, int i, int j)
{
	const struct rh_registry *registry = &t->world->registry;
	int               after = outcome(&t->plain, i, j, t->plain.now_ms);
	int               was = t->before[i][j];
	struct rh_verdict v;
	struct rh_id      from, to;

	(void)rh_judge_pair(registry, &t->names[i], &t->names[j], t->plain.now_ms, &v);
	assert_int_equal(v.is_declared, t->plain.declared[i][j]);
	if (after != RH_OUTCOME_NONE)
		assert_int_equal(v.outcome, after);
	assert_int_equal(t->reported[i][j], was == after ? 0 : was * 16 + after + 1);
	t->before[i][j] = after;

	if (rh_registry_find(registry, &t->names[i], &from) != RH_OK ||
	    rh_registry_find(registry, &t->names[j], &to) != RH_OK)
		return;
	int want = after == RH_OUTCOME_NONE ? (int)RH_ENOEDGE :
	           after == RH_OUTCOME_ALLOWED ? (int)RH_OK : (int)RH_ELAYER;
	assert_int_equal(rh_judge_call(registry, from, to, t->plain.now_ms), want);
	assert_int_equal(rh_event_judge(registry, to, from, t->plain.now_ms), want);
	assert_int_equal(rh_view_cell(registry, RH_PLANE_ALLOWED, from, to,
	                              t->plain.now_ms), after == RH_OUTCOME_ALLOWED);
	assert_int_equal(rh_view_cell(registry, RH_PLANE_OBSERVED, from, to, 0),
	                 t->plain.observed[i][j]);
}

static void compare(struct trial *t)
{
	int registered = 0;

	assert_false(t->is_twice);
	for (int i = 0; i < N; i++) {
		registered += t->plain.registered[i];
		for (int j = 0; j < N; j++)
			compare_pair(t, i, j);
	}
	assert_int_equal(rh_registry_count(&t->world->registry, RH_TYPES), registered);
	assert_int_equal(t->world->registry.used, names_in(&t->plain));
	assert_int_equal(t->world->registry.matrix.used, edges_in(&t->plain));
	rh_registry_verify(&t->world->registry);
}

static void step(struct trial *t)
{
	uint32_t dice = random_below(&t->seed, 100);

	memset(t->reported, 0, sizeof t->reported);
	if (dice < 45)
		step_register(t);
	else if (dice < 60)
		step_delete(t);
	else if (dice < 66)
		step_hierarchy(t);
	else if (dice < 76)
		step_except(t);
	else if (dice < 84)
		step_unexcept(t);
	else if (dice < 92)
		step_time(t);
	else
		step_observe(t);
	compare(t);
}

static void agrees_with_a_table_of_every_pair(void **state)
{
	static struct trial trial;
	struct trial       *t = &trial;

	(void)state;
	t->seed = 990017;
	print_message("seed %llu\n", (unsigned long long)t->seed);
	t->world = world_create(NAMES, EDGES, 4, EXCEPTIONS);
	t->plain.now_ms = t->world->at.now_ms;
	t->world->at.visit = hear;
	t->world->at.user = t;
	rh_hierarchy_init(&t->plain.hierarchy, 0);
	for (int i = 0; i < N; i++)
		t->names[i] = name_of((char[]){ (char)('a' + i), '\0' });
	for (int i = 0; i < STEPS; i++)
		step(t);
	/* The dice must have reached every kind of answer often. */
	for (int i = 0; i < 6; i++)
		assert_true(t->results[i] > 50);
	world_destroy(t->world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_table_of_every_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
