/* A center over a memory store, and changes written as JSON with ' for ". */
#ifndef RH_TESTS_CENTER_FIXTURE_H
#define RH_TESTS_CENTER_FIXTURE_H

#include "../../center/change.h"
#include "../../center/store/store.h"

struct fixture {
	struct rh_center center;
	struct rh_store *store;
};

int set_up(void **state);
int tear_down(void **state);

/* Applies objects; returns the code.  results, if wanted, becomes
 * "created,unchanged". */
int apply_with(struct rh_center *center, const char *text, int is_dry_run,
               struct rh_problem *problem, char *results);
int apply(struct rh_center *center, const char *text);
int commit(struct rh_center *center);
int remove_object(struct rh_center *center, enum rh_object_kind kind,
                  const char *name, int is_dry_run);

#define RESOURCE(name, rest) \
	"{'kind':'Resource','metadata':{'name':'" name "'},'spec':{" rest "}}"
#define EXCEPTION(name, caller, callee) \
	"{'kind':'Rule','metadata':{'name':'" name "'},'spec':{'exception':{'edge':" \
	"['" caller "','" callee "'],'reason':'because'}}}"
#define PROTOCOL(name, caller, callee, use) \
	"{'kind':'Rule','metadata':{'name':'" name "'},'spec':{'protocol':{'edge':" \
	"['" caller "','" callee "'],'use':'" use "'}}}"
#define DRIVER(name, refs)  RESOURCE(name, "'type':'driver','reference':[" refs "]")
#define SERVICE(name, refs) RESOURCE(name, "'type':'service','reference':[" refs "]")

#endif
