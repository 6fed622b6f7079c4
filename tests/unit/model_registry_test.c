#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/judge.h"
#include "../../model/rule.h"
#include "../../model/view.h"

#define A RH_TYPE_APPLICATION
#define S RH_TYPE_SERVICE
#define D RH_TYPE_DRIVER
#define H RH_TYPE_HARDWARE

/* Every cell of the table: the callee is there, the caller registers. */
static void every_pair_of_types_at_registration(void **state)
{
	(void)state;
	for (int caller = 0; caller < RH_TYPES; caller++) {
		for (int callee = 0; callee < RH_TYPES; callee++) {
			struct world     *w = world_create(4, 4, 1, 1);
			struct rh_verdict v;
			int want = caller < callee ? RH_OK : RH_ELAYER;

			assert_int_equal(enroll(w, "callee", callee, NULL, NULL), RH_OK);
			assert_int_equal(check(w, "caller", caller, "callee", &v), want);
			assert_int_equal(enroll(w, "caller", caller, "callee", &v), want);
			assert_int_equal(v.outcome, want == RH_OK ? RH_OUTCOME_ALLOWED :
			                 RH_OUTCOME_REFUSED);
			assert_int_equal(v.caller_type, caller);
			assert_int_equal(v.reason, RH_REASON_HIERARCHY);
			if (want == RH_ELAYER) {
				assert_int_equal(v.callee_type, callee);
				assert_string_equal(v.caller.text, "caller");
				assert_string_equal(v.callee.text, "callee");
				assert_string_equal(v.rule.text, "hierarchy");
			} else {
				assert_int_equal(may_call(w, "caller", "callee"), RH_OK);
			}
			world_destroy(w);
		}
	}
}

static void assert_named_only(struct world *w, const char *text)
{
	struct rh_name name = name_of(text), other = name_of("nobody");
	struct rh_id   id;

	assert_int_equal(rh_registry_find(&w->registry, &name, &id), RH_ENOENT);
	assert_int_equal(rh_registry_find_named(&w->registry, &name, &id), RH_OK);
	assert_string_equal(rh_registry_get(&w->registry, id)->name.text, text);
	assert_int_equal(rh_registry_find_named(&w->registry, &other, &id), RH_ENOENT);
}

/* The same when the caller is there first: it stays, and the edge is judged. */
static void every_pair_of_types_when_the_name_appears(void **state)
{
	(void)state;
	for (int caller = 0; caller < RH_TYPES; caller++) {
		for (int callee = 0; callee < RH_TYPES; callee++) {
			struct world *w = world_create(4, 4, 1, 1);
			int           is_allowed = caller < callee;

			assert_int_equal(enroll(w, "caller", caller, "callee", NULL),
			                 RH_OK);
			assert_true(heard(w, "caller", "callee", RH_OUTCOME_NONE,
			                  RH_OUTCOME_PENDING));
			assert_named_only(w, "callee");
			assert_int_equal(enroll(w, "callee", callee, NULL, NULL), RH_OK);
			assert_true(heard(w, "caller", "callee", RH_OUTCOME_PENDING,
			                  is_allowed ? RH_OUTCOME_ALLOWED :
			                  RH_OUTCOME_REFUSED));
			assert_int_equal(forget(w), 0);
			assert_int_equal(may_call(w, "caller", "callee"),
			                 is_allowed ? RH_OK : RH_ELAYER);
			world_destroy(w);
		}
	}
}

static void a_refused_registration_changes_nothing(void **state)
{
	struct world     *w = world_create(8, 8, 1, 1);
	struct rh_verdict v;
	struct rh_name    name = name_of("driver");
	struct rh_name    fresh = name_of("later");
	struct rh_id      id;

	(void)state;
	assert_int_equal(enroll(w, "fs", S, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	forget(w);
	assert_int_equal(enroll(w, "driver", D, "nic later fs", &v), RH_ELAYER);
	assert_string_equal(v.callee.text, "fs");
	assert_int_equal(forget(w), 0);
	assert_int_equal(rh_registry_find(&w->registry, &name, &id), RH_ENOENT);
	assert_int_equal(rh_judge_pair(&w->registry, &name, &fresh, 0, &v), RH_ENOENT);
	assert_int_equal(w->registry.used, 2);
	assert_int_equal(w->registry.matrix.used, 0);
	assert_int_equal(rh_registry_count(&w->registry, RH_TYPES), 2);
	world_destroy(w);
}

static void a_wrong_spec_is_refused(void **state)
{
	struct world     *w = world_create(8, 8, 1, 1);
	struct rh_verdict v;
	struct rh_name    names[2] = { name_of("b"), name_of("c") };
	struct rh_spec    spec = {
		.name = name_of("a"), .type = A, .reference_count = 2,
		.references = names,
	};
	struct rh_spec    bad;

	(void)state;
	assert_int_equal(enroll(w, "a", A, "b a", &v), RH_EINVAL);
	assert_int_equal(v.reason, RH_REASON_SELF);
	assert_int_equal(enroll(w, "a", A, "b c b", &v), RH_EINVAL);
	assert_int_equal(v.reason, RH_REASON_DUPLICATE);
	assert_string_equal(v.callee.text, "b");
	assert_int_equal(load(w, "a", A, "b a"), RH_EINVAL);
	assert_int_equal(load(w, "a", A, "c c"), RH_EINVAL);

	bad = spec;
	bad.type = RH_TYPES;
	assert_int_equal(rh_registry_check(&w->registry, &bad, 0, NULL), RH_EINVAL);
	bad = spec;
	bad.privilege = RH_PRIVILEGES;
	assert_int_equal(rh_registry_check(&w->registry, &bad, 0, NULL), RH_EINVAL);
	bad = spec;
	memset(&bad.name, 0, sizeof bad.name);
	assert_int_equal(rh_registry_check(&w->registry, &bad, 0, NULL), RH_EINVAL);
	bad = spec;
	bad.reference_count = RH_REFERENCES_MAX + 1;
	assert_int_equal(rh_registry_check(&w->registry, &bad, 0, NULL), RH_EINVAL);
	memset(&names[1], 0, sizeof names[1]);
	assert_int_equal(rh_registry_check(&w->registry, &spec, 0, NULL), RH_EINVAL);
	assert_int_equal(w->registry.used, 0);
	world_destroy(w);
}

static void limits_of_a_registry_are_checked(void **state)
{
	static const struct rh_limits bad[] = {
		{ 0, 1, 1, 1, 0 }, { 1, 0, 1, 1, 0 }, { 1, 1, 0, 1, 0 }, { 1, 1, 1, 0, 0 },
		{ RH_RESOURCES_MAX + 1, 1, 1, 1, 0 }, { 1, RH_EDGES_MAX + 1, 1, 1, 0 },
		{ 1, 1, RH_INSTANCES_MAX + 1, 1, 0 }, { 1, 1, 1, RH_EXCEPTIONS_MAX + 1, 0 },
	};
	struct rh_limits               largest = { RH_RESOURCES_MAX, RH_EDGES_MAX,
	                                           RH_INSTANCES_MAX,
	                                           RH_EXCEPTIONS_MAX, 0 };
	struct rh_limits               least = { 1, 1, 1, 1, 0 };
	_Alignas(64) static char       memory[4096];
	struct rh_registry             registry;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(rh_registry_bytes(&bad[i]), 0);
		assert_int_equal(rh_registry_init(&registry, &bad[i], memory,
		                                  sizeof memory), RH_EINVAL);
	}
	assert_true(rh_registry_bytes(&largest) > (size_t)RH_EDGES_MAX * 58);
	size_t bytes = rh_registry_bytes(&least);
	assert_true(bytes > 0 && bytes <= sizeof memory);
	assert_int_equal(rh_registry_init(&registry, &least, memory, bytes - 1),
	                 RH_ENOSPC);
	assert_int_equal(rh_registry_init(&registry, &least, memory, bytes), RH_OK);
}

static void full_tables_refuse_and_stay_the_same(void **state)
{
	struct world *w = world_create(4, 3, 1, 1);

	(void)state;
	/* Names: a, b and c take three of four; d fits, e does not. */
	assert_int_equal(enroll(w, "a", A, "b c", NULL), RH_OK);
	assert_int_equal(enroll(w, "d", A, "e", NULL), RH_ENOSPC);
	assert_int_equal(w->registry.used, 3);
	assert_int_equal(enroll(w, "d", A, "b", NULL), RH_OK);
	assert_int_equal(enroll(w, "e", A, NULL, NULL), RH_ENOSPC);

	/* Edges: three of three are used. */
	assert_int_equal(enroll(w, "b", S, "c", NULL), RH_ENOSPC);
	assert_int_equal(enroll(w, "b", S, NULL, NULL), RH_OK);
	assert_int_equal(may_call(w, "a", "b"), RH_OK);

	/* A replacement counts what it gives back: c goes, x comes. */
	assert_int_equal(enroll(w, "a", A, "b x", NULL), RH_OK);
	assert_int_equal(enroll(w, "a", A, "b x y", NULL), RH_ENOSPC);
	assert_int_equal(enroll(w, "a", A, "y z", NULL), RH_ENOSPC);
	assert_int_equal(enroll(w, "a", A, "y", NULL), RH_OK);
	assert_int_equal(w->registry.used, 4);
	world_destroy(w);
}

static void as_many_references_as_the_limit(void **state)
{
	struct world   *w = world_create(RH_REFERENCES_MAX + 1, RH_REFERENCES_MAX, 1, 1);
	struct rh_name *names = calloc(RH_REFERENCES_MAX, sizeof *names);
	struct rh_spec  spec = {
		.name = name_of("hub"), .type = A, .references = names,
		.reference_count = RH_REFERENCES_MAX,
	};
	struct rh_id    id;

	(void)state;
	assert_non_null(names);
	for (uint32_t i = 0; i < RH_REFERENCES_MAX; i++) {
		char text[16];

		snprintf(text, sizeof text, "r%u", i);
		names[i] = name_of(text);
	}
	w->at.visit = NULL;
	assert_int_equal(rh_registry_register(&w->registry, &spec, &w->at, &id, NULL),
	                 RH_OK);
	assert_int_equal(rh_matrix_row_len(&w->registry.matrix, id.index),
	                 RH_REFERENCES_MAX);
	assert_int_equal(rh_registry_delete(&w->registry, id, &w->at), RH_OK);
	assert_int_equal(w->registry.used, 0);
	free(names);
	world_destroy(w);
}

static void replacing_rejudges_both_directions(void **state)
{
	struct world *w = world_create(8, 16, 1, 1);

	(void)state;
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "disk", H, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "mid", D, "nic", NULL), RH_OK);
	assert_int_equal(enroll(w, "app", A, "mid", NULL), RH_OK);
	assert_int_equal(enroll(w, "svc", S, "mid", NULL), RH_OK);
	struct rh_id before = id_of(w, "mid");
	forget(w);

	/* A service now: svc -> mid is refused, app -> mid stays, nic goes, disk comes. */
	assert_int_equal(enroll(w, "mid", S, "disk", NULL), RH_OK);
	assert_true(heard(w, "mid", "nic", RH_OUTCOME_ALLOWED, RH_OUTCOME_NONE));
	assert_true(heard(w, "mid", "disk", RH_OUTCOME_NONE, RH_OUTCOME_ALLOWED));
	assert_true(heard(w, "svc", "mid", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	assert_int_equal(forget(w), 0);
	assert_int_equal(may_call(w, "svc", "mid"), RH_ELAYER);
	assert_int_equal(may_call(w, "app", "mid"), RH_OK);
	assert_int_equal(may_call(w, "mid", "nic"), RH_ENOEDGE);
	struct rh_id after = id_of(w, "mid");
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(rh_registry_count(&w->registry, S), 2);
	assert_int_equal(rh_registry_count(&w->registry, D), 0);

	/* A replacement that is refused leaves all of that. */
	assert_int_equal(enroll(w, "mid", S, "nic app", NULL), RH_ELAYER);
	assert_int_equal(forget(w), 0);
	assert_int_equal(may_call(w, "mid", "disk"), RH_OK);
	assert_int_equal(may_call(w, "mid", "nic"), RH_ENOEDGE);
	world_destroy(w);
}

static void an_edge_that_stays_keeps_its_count(void **state)
{
	struct world *w = world_create(8, 16, 1, 1);
	struct rh_id  file, magic;
	uint32_t      edge;

	(void)state;
	assert_int_equal(enroll(w, "magic", S, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "file", A, "magic", NULL), RH_OK);
	file = id_of(w, "file");
	magic = id_of(w, "magic");
	edge = rh_matrix_find(&w->registry.matrix, file.index, magic.index);
	assert_int_equal(rh_registry_observe(&w->registry, file, magic, 10090), RH_OK);
	assert_int_equal(rh_registry_observe(&w->registry, magic, file, 1), RH_ENOEDGE);
	forget(w);
	assert_int_equal(enroll(w, "file", A, "other magic", NULL), RH_OK);
	assert_true(heard(w, "file", "other", RH_OUTCOME_NONE, RH_OUTCOME_PENDING));
	assert_int_equal(forget(w), 0);
	assert_int_equal(rh_matrix_find(&w->registry.matrix, file.index, magic.index),
	                 edge);
	assert_int_equal(rh_view_cell(&w->registry, RH_PLANE_OBSERVED, file, magic, 0),
	                 10090);
	world_destroy(w);
}

static void deletion_leaves_references_pending(void **state)
{
	struct world        *w = world_create(8, 16, 4, 1);
	struct rh_instance   lease = { .id = 5, .pid = 77, .role = RH_LEASE_CALLEE };
	struct rh_id         driver;
	const struct rh_name name = name_of("driver");
	struct rh_verdict    v;

	(void)state;
	assert_int_equal(enroll(w, "driver", D, "nic", NULL), RH_OK);
	assert_int_equal(enroll(w, "app", A, "driver", NULL), RH_OK);
	driver = id_of(w, "driver");
	assert_int_equal(rh_registry_lease(&w->registry, driver, &lease), RH_OK);
	forget(w);

	assert_int_equal(erase(w, "driver"), RH_OK);
	assert_true(heard(w, "app", "driver", RH_OUTCOME_ALLOWED, RH_OUTCOME_PENDING));
	assert_int_equal(w->change_count, 1); /* driver -> nic: nic is gone by now */
	assert_int_equal(w->changes[0].before, RH_OUTCOME_PENDING);
	assert_int_equal(w->changes[0].after, RH_OUTCOME_NONE);
	forget(w);

	assert_null(rh_registry_get(&w->registry, driver));
	assert_int_equal(rh_registry_delete(&w->registry, driver, &w->at), RH_ENOENT);
	assert_int_equal(rh_registry_lease(&w->registry, driver, &lease), RH_ENOENT);
	assert_int_equal(rh_judge_call(&w->registry, id_of(w, "app"), driver, 0),
	                 RH_ENOENT);
	assert_null(rh_instance_find(rh_registry_instances(&w->registry), 5));
	assert_int_equal(rh_judge_pair(&w->registry, &(struct rh_name){ 0 }, &name, 0,
	                               &v), RH_ENOENT);

	/* It comes back as hardware: the same reference, another judgement. */
	assert_int_equal(enroll(w, "driver", H, NULL, NULL), RH_OK);
	assert_true(heard(w, "app", "driver", RH_OUTCOME_PENDING, RH_OUTCOME_ALLOWED));
	struct rh_id again = id_of(w, "driver");
	assert_int_equal(again.index, driver.index);
	assert_int_not_equal(again.generation, driver.generation);
	world_destroy(w);
}

/* A slot that another name takes must not answer to the old id (R4). */
static void an_id_is_never_anothers(void **state)
{
	struct world *w = world_create(1, 1, 1, 1);
	struct rh_id  first, second;

	(void)state;
	assert_int_equal(enroll(w, "a", A, NULL, NULL), RH_OK);
	first = id_of(w, "a");
	assert_int_equal(erase(w, "a"), RH_OK);
	assert_null(rh_registry_get(&w->registry, first));
	assert_int_equal(enroll(w, "b", A, NULL, NULL), RH_OK);
	second = id_of(w, "b");
	assert_int_equal(first.index, second.index);
	assert_null(rh_registry_get(&w->registry, first));
	assert_non_null(rh_registry_get(&w->registry, second));
	assert_int_equal(rh_registry_delete(&w->registry, first, &w->at), RH_ENOENT);
	assert_null(rh_registry_get(&w->registry, (struct rh_id){ 0, 0 }));
	assert_null(rh_registry_get(&w->registry, (struct rh_id){ 9, 1 }));
	world_destroy(w);
}

static void loading_keeps_what_the_hierarchy_refuses(void **state)
{
	struct world *w = world_create(8, 8, 1, 1);

	(void)state;
	assert_int_equal(enroll(w, "svc", S, NULL, NULL), RH_OK);
	forget(w);
	assert_int_equal(load(w, "driver", D, "svc"), RH_OK);
	assert_true(heard(w, "driver", "svc", RH_OUTCOME_NONE, RH_OUTCOME_REFUSED));
	assert_int_equal(may_call(w, "driver", "svc"), RH_ELAYER);
	world_destroy(w);
}

static void a_verdict_of_success_tells_the_most_unusual(void **state)
{
	struct world     *w = world_create(8, 8, 1, 2);
	struct rh_verdict v;

	(void)state;
	assert_int_equal(enroll(w, "svc", S, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	assert_int_equal(check(w, "driver", D, "nic", &v), RH_OK);
	assert_int_equal(v.outcome, RH_OUTCOME_ALLOWED);
	assert_int_equal(v.callee.len, 0);
	assert_int_equal(check(w, "driver", D, "nic later other", &v), RH_OK);
	assert_int_equal(v.outcome, RH_OUTCOME_PENDING);
	assert_string_equal(v.callee.text, "later");
	assert_int_equal(except(w, "driver", "svc", 0), 0);
	assert_int_equal(check(w, "driver", D, "nic later svc", &v), RH_OK);
	assert_int_equal(v.outcome, RH_OUTCOME_ALLOWED);
	assert_int_equal(v.reason, RH_REASON_EXCEPTION);
	assert_string_equal(v.rule.text, "driver-svc");
	assert_int_equal(v.revision, 7);
	world_destroy(w);
}

/* Two names that share a hash are two resources; FNV-1a collisions are rare, so
 * the hash is forged. */
static void names_with_one_hash_are_kept_apart(void **state)
{
	struct world  *w = world_create(8, 8, 1, 1);
	struct rh_spec specs[3];
	struct rh_id   ids[3], id;

	(void)state;
	for (int i = 0; i < 3; i++) {
		char text[2] = { (char)('a' + i), '\0' };

		specs[i] = (struct rh_spec){ .name = name_of(text), .type = S };
		specs[i].name.hash = UINT64_MAX; /* the one the map cannot hold */
		assert_int_equal(rh_registry_register(&w->registry, &specs[i], &w->at,
		                                      &ids[i], NULL), RH_OK);
	}
	/* Out of the middle, at the head, then the last. */
	static const int order[] = { 1, 2, 0 };
	for (int gone = 0; gone < 3; gone++) {
		for (int i = gone; i < 3; i++) {
			assert_int_equal(rh_registry_find(&w->registry,
			                                  &specs[order[i]].name, &id),
			                 RH_OK);
			assert_int_equal(id.index, ids[order[i]].index);
		}
		rh_registry_verify(&w->registry);
		assert_int_equal(rh_registry_delete(&w->registry, ids[order[gone]],
		                                    &w->at), RH_OK);
		/* Its place is another's at once: nobody may lead there still. */
		assert_int_equal(enroll(w, gone ? "y" : "x", S, NULL, NULL), RH_OK);
		assert_int_equal(rh_registry_find(&w->registry, &specs[order[gone]].name,
		                                  &id), RH_ENOENT);
	}
	world_destroy(w);
}

/* What is only named has an id too, for reports, but is no resource yet. */
static void a_named_entry_is_not_a_resource(void **state)
{
	struct world            *w = world_create(2, 2, 2, 1);
	const struct rh_instance lease = { .id = 1, .role = RH_LEASE_CALLER };
	struct rh_id             named;

	(void)state;
	assert_int_equal(enroll(w, "app", A, "later", NULL), RH_OK);
	named = w->changes[0].callee;
	assert_int_equal(rh_registry_get(&w->registry, named)->state, RH_ENTRY_NAMED);
	assert_int_equal(rh_registry_get(&w->registry, named)->type, RH_TYPES);
	assert_int_equal(rh_registry_delete(&w->registry, named, &w->at), RH_ENOENT);
	assert_int_equal(rh_registry_lease(&w->registry, named, &lease), RH_ENOENT);
	assert_int_equal(rh_judge_call(&w->registry, id_of(w, "app"), named, 0),
	                 RH_EPENDING);
	assert_int_equal(rh_judge_call(&w->registry, named, id_of(w, "app"), 0),
	                 RH_ENOEDGE);

	/* The reference goes, another name takes the place: the old id is dead. */
	assert_int_equal(enroll(w, "app", A, "other", NULL), RH_OK);
	assert_null(rh_registry_get(&w->registry, named));
	assert_int_equal(rh_judge_call(&w->registry, id_of(w, "app"), named, 0),
	                 RH_ENOENT);
	world_destroy(w);
}

static void leases_belong_to_registered_resources(void **state)
{
	struct world            *w = world_create(2, 2, 1, 1);
	const struct rh_instance lease = { .id = 1, .role = RH_LEASE_CALLER,
	                                   .resource = 77 };

	(void)state;
	assert_int_equal(enroll(w, "a", A, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "b", A, NULL, NULL), RH_OK);
	struct rh_id b = id_of(w, "b");
	assert_int_equal(rh_registry_lease(&w->registry, b, &lease), RH_OK);
	assert_int_equal(rh_registry_lease(&w->registry, b, &lease), RH_EEXIST);
	const struct rh_instance *found =
		rh_instance_find(rh_registry_instances(&w->registry), 1);
	assert_non_null(found);
	assert_int_equal(found->resource, b.index);
	world_destroy(w);
}

static void a_copy_is_independent(void **state)
{
	struct world      *w = world_create(8, 8, 4, 2);
	struct rh_registry copy;
	struct rh_instance lease = { .id = 9, .role = RH_LEASE_CALLER };
	void              *memory = aligned_alloc(64, w->bytes);
	struct rh_id       app;

	(void)state;
	assert_non_null(memory);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "app", A, "nic later", NULL), RH_OK);
	assert_int_equal(except(w, "nic", "app", 0), 0);
	app = id_of(w, "app");
	assert_int_equal(rh_registry_lease(&w->registry, app, &lease), RH_OK);

	assert_int_equal(rh_registry_copy(&copy, &w->registry, memory, w->bytes - 1),
	                 RH_ENOSPC);
	assert_int_equal(rh_registry_copy(&copy, &w->registry, memory, w->bytes), RH_OK);
	assert_int_equal(erase(w, "app"), RH_OK);
	memset(w->memory, 0, w->bytes);

	rh_registry_verify(&copy);
	assert_non_null(rh_registry_get(&copy, app));
	assert_non_null(rh_instance_find(rh_registry_instances(&copy), 9));
	assert_int_equal(copy.exceptions.used, 1);
	assert_int_equal(rh_registry_delete(&copy, app, &w->at), RH_OK);
	rh_registry_verify(&copy);
	free(memory);
	free(w->memory);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_types_at_registration),
		cmocka_unit_test(every_pair_of_types_when_the_name_appears),
		cmocka_unit_test(a_refused_registration_changes_nothing),
		cmocka_unit_test(a_wrong_spec_is_refused),
		cmocka_unit_test(limits_of_a_registry_are_checked),
		cmocka_unit_test(full_tables_refuse_and_stay_the_same),
		cmocka_unit_test(as_many_references_as_the_limit),
		cmocka_unit_test(replacing_rejudges_both_directions),
		cmocka_unit_test(an_edge_that_stays_keeps_its_count),
		cmocka_unit_test(deletion_leaves_references_pending),
		cmocka_unit_test(an_id_is_never_anothers),
		cmocka_unit_test(loading_keeps_what_the_hierarchy_refuses),
		cmocka_unit_test(a_verdict_of_success_tells_the_most_unusual),
		cmocka_unit_test(names_with_one_hash_are_kept_apart),
		cmocka_unit_test(a_named_entry_is_not_a_resource),
		cmocka_unit_test(leases_belong_to_registered_resources),
		cmocka_unit_test(a_copy_is_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
