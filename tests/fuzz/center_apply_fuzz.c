/* Any bytes as the body of an apply: refused with a sentence, or made, judged and
 * staged; and then the disk is full, so the center must be what it was. */
#include "../../center/change.h"
#include "../../center/store/store.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char preset[] =
	"[{\"kind\":\"Resource\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":"
	"\"application\",\"reference\":[\"s\",\"later\"]}},{\"kind\":\"Resource\","
	"\"metadata\":{\"name\":\"s\"},\"spec\":{\"type\":\"service\"}},{\"kind\":"
	"\"Rule\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"protocol\":{\"edge\":"
	"[\"a\",\"s\"],\"use\":\"shm\"}}},{\"kind\":\"Rule\",\"metadata\":{\"name\":"
	"\"e\"},\"spec\":{\"exception\":{\"edge\":[\"s\",\"a\"],\"reason\":\"r\"}}}]";

static struct rh_center center;
static struct rh_store *store;

static const struct rh_client client = { .channel = "unix", .is_writer = 1 };

static int apply(const json_t *objects, int is_dry_run, struct rh_problem *problem)
{
	struct rh_change_options options = {
		.client = &client, .verb = "apply", .is_dry_run = is_dry_run,
		.expected = RH_CHANGE_ANY,
	};
	json_t *answer = NULL;
	int err = rh_change_apply(&center, objects, &options, &answer, problem);

	RH_CHECK((err == RH_OK) == (answer != NULL));
	json_decref(answer);
	return err;
}

static void open_center(void)
{
	struct rh_problem problem;
	json_t           *objects = json_loads(preset, 0, NULL);

	RH_CHECK(rh_store_memory_open(&store, NULL) == RH_OK);
	RH_CHECK(rh_center_init(&center, store, &problem) == RH_OK);
	RH_CHECK(apply(objects, 0, &problem) == RH_OK);
	RH_CHECK(rh_center_commit(&center, &problem) == RH_OK);
	json_decref(objects);
	rh_store_memory_fail(store, RH_ENOSPC);
}

static void check_unchanged(void)
{
	RH_CHECK(rh_center_revision(&center) == 2);
	RH_CHECK(rh_catalog_count(&center.realm.catalog, RH_OBJECT_RESOURCE) == 2);
	RH_CHECK(rh_catalog_count(&center.realm.catalog, RH_OBJECT_INTERFACE) == 0);
	RH_CHECK(rh_catalog_count(&center.realm.catalog, RH_OBJECT_RULE) == 3);
	RH_CHECK(center.realm.registry.matrix.used == 2);
	RH_CHECK(center.realm.protocols.count == 1);
	RH_CHECK(center.realm.undo_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_problem problem = { 0 };
	json_t           *body = NULL;

	if (!store)
		open_center();
	int err = rh_decode_parse((const char *)data, size, &body, &problem);
	if (err == RH_OK) {
		int dry = apply(body, 1, &problem);

		check_unchanged();
		err = apply(body, 0, &problem);
		RH_CHECK(dry == err); /* the dry run takes the same way */
		(void)rh_center_commit(&center, &(struct rh_problem){ 0 });
		check_unchanged();
		json_decref(body);
	}
	RH_CHECK((err == RH_OK) || (problem.code == err && problem.detail[0]));
	json_decref(err ? rh_problem_json(&problem) : NULL);
	return 0;
}
