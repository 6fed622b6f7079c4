#include "route.h"

#include "handlers.h"

#include "../../model/error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIST   " limit continue "
#define WATCH  " limit continue watch fromRevision name "
#define DRYRUN " dryRun "
#define NONE   RH_OBJECT_KINDS

#define KIND(kind, plural) \
	{ RH_METHOD_GET, "/apis/v1/" plural, rh_api_list, kind, 0, WATCH }, \
	{ RH_METHOD_GET, "/apis/v1/" plural "/{name}", rh_api_get, kind, 0, "" }, \
	{ RH_METHOD_PUT, "/apis/v1/" plural "/{name}", rh_api_put, kind, \
	  RH_ROUTE_WRITE | RH_ROUTE_JSON, DRYRUN }, \
	{ RH_METHOD_DELETE, "/apis/v1/" plural "/{name}", rh_api_delete, kind, \
	  RH_ROUTE_WRITE, DRYRUN }

static const struct rh_route routes[] = {
	KIND(RH_OBJECT_RESOURCE, "resources"),
	KIND(RH_OBJECT_INTERFACE, "interfaces"),
	KIND(RH_OBJECT_RULE, "rules"),
	{ RH_METHOD_GET, "/apis/v1/modules", rh_api_list, RH_OBJECT_MODULE, 0, WATCH },
	{ RH_METHOD_POST, "/apis/v1/modules", rh_api_module_publish, RH_OBJECT_MODULE,
	  RH_ROUTE_WRITE | RH_ROUTE_JSON, DRYRUN },
	{ RH_METHOD_GET, "/apis/v1/modules/{name}", rh_api_module_get,
	  RH_OBJECT_MODULE, 0, "" },
	{ RH_METHOD_PUT, "/apis/v1/modules/{name}", rh_api_module_put,
	  RH_OBJECT_MODULE, RH_ROUTE_WRITE | RH_ROUTE_BYTES, DRYRUN },
	{ RH_METHOD_DELETE, "/apis/v1/modules/{name}", rh_api_delete,
	  RH_OBJECT_MODULE, RH_ROUTE_WRITE, DRYRUN },
	{ RH_METHOD_POST, "/apis/v1/apply", rh_api_apply, NONE,
	  RH_ROUTE_WRITE | RH_ROUTE_JSON, DRYRUN },
	{ RH_METHOD_POST, "/apis/v1/explain", rh_api_explain, NONE, RH_ROUTE_JSON, "" },
	{ RH_METHOD_GET, "/apis/v1/can-i", rh_api_can_i, NONE, 0, " caller callee " },
	{ RH_METHOD_GET, "/apis/v1/rollouts", rh_api_rollouts, NONE, 0, "" },
	{ RH_METHOD_GET, "/apis/v1/rollouts/{name}", rh_api_rollout, NONE, 0, "" },
	{ RH_METHOD_GET, "/apis/v1/rollouts/{name}/history", rh_api_history, NONE, 0, "" },
	{ RH_METHOD_POST, "/apis/v1/rollouts/{name}/pause", rh_api_rollout_pause, NONE,
	  RH_ROUTE_WRITE, "" },
	{ RH_METHOD_POST, "/apis/v1/rollouts/{name}/resume", rh_api_rollout_resume, NONE,
	  RH_ROUTE_WRITE, "" },
	{ RH_METHOD_POST, "/apis/v1/rollouts/{name}/undo", rh_api_rollout_undo, NONE,
	  RH_ROUTE_WRITE, " to " },
	{ RH_METHOD_GET, "/apis/v1/runs", rh_api_runs, NONE, 0, "" },
	{ RH_METHOD_GET, "/apis/v1/rules/{name}/runs", rh_api_runs_of, NONE, 0, "" },
	{ RH_METHOD_GET, "/apis/v1/rules/{name}/log", rh_api_lines, NONE, 0,
	  " after limit " },
	{ RH_METHOD_GET, "/apis/v1/matrix", rh_api_matrix, NONE, 0, LIST },
	{ RH_METHOD_POST, "/apis/v1/observed", rh_api_observed, NONE,
	  RH_ROUTE_WRITE | RH_ROUTE_JSON | RH_ROUTE_OFTEN, "" },
	{ RH_METHOD_GET, "/apis/v1/agents", rh_api_agents, NONE, 0, "" },
	{ RH_METHOD_GET, "/apis/v1/events", rh_api_watch, NONE, 0,
	  " fromRevision name " },
	{ RH_METHOD_GET, "/apis/v1/audit", rh_api_audit, NONE, 0, LIST },
	{ RH_METHOD_GET, "/apis/v1/system", rh_api_system, NONE, 0, "" },
	{ RH_METHOD_GET, "/openapi.json", rh_api_openapi, NONE, 0, "" },
	{ RH_METHOD_GET, "/metrics", rh_api_metrics, NONE, 0, "" },
	{ RH_METHOD_GET, "/healthz", rh_api_healthz, NONE, 0, "" },
	{ RH_METHOD_GET, "/readyz", rh_api_readyz, NONE, 0, "" },
};

static const char *const methods[RH_METHODS] = {
	[RH_METHOD_GET] = "GET", [RH_METHOD_PUT] = "PUT",
	[RH_METHOD_POST] = "POST", [RH_METHOD_DELETE] = "DELETE",
};

const struct rh_route *rh_route_at(size_t i)
{
	return i < sizeof routes / sizeof routes[0] ? &routes[i] : NULL;
}

const char *rh_route_method_text(enum rh_method method)
{
	return methods[method];
}

/* What stands for {name} in a path. */
struct part {
	const char *text;
	size_t      len;
};

/* 1 when path has the form of pattern. */
static int matches(const char *pattern, const char *path, struct part *ret_name)
{
	static const char name[] = "{name}";
	size_t            len = strcspn(pattern, "{");
	const char       *rest = path + len;

	if (strncmp(pattern, path, len) != 0)
		return 0;
	*ret_name = (struct part){ "", 0 };
	if (pattern[len] == '\0')
		return *rest == '\0';
	*ret_name = (struct part){ rest, strcspn(rest, "/") };
	return ret_name->len > 0 &&
	       strcmp(rest + ret_name->len, pattern + len + sizeof name - 1) == 0;
}

static enum rh_method parse_method(const char *method)
{
	enum rh_method i = 0;

	if (strcmp(method, "HEAD") == 0) /* the HTTP library leaves the body out */
		return RH_METHOD_GET;
	while (i < RH_METHODS && strcmp(methods[i], method) != 0)
		i++;
	return i;
}

int rh_route_find(struct rh_request *request, const char *method, const char *path,
                  char ret_allow[48], struct rh_problem *problem)
{
	enum rh_method wanted = parse_method(method);
	struct part    name;
	size_t         len = 0;

	ret_allow[0] = '\0';
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (!matches(routes[i].path, path, &name))
			continue;
		if (routes[i].method == wanted) {
			request->route = &routes[i];
			request->method = wanted;
			snprintf(request->name, sizeof request->name, "%.*s",
			         name.len < sizeof request->name ? (int)name.len
			         : (int)sizeof request->name - 1, name.text);
			if (name.len <= RH_OBJECT_NAME_MAX)
				return RH_OK;
			return rh_problem_set(problem, RH_EINVAL, "the name in the path is "
			                      "longer than %u bytes", RH_OBJECT_NAME_MAX);
		}
		len += (size_t)snprintf(ret_allow + len, 48 - len, "%s%s",
		                        len ? ", " : "", methods[routes[i].method]);
	}
	if (len == 0)
		return rh_problem_set(problem, RH_ENOENT, "there is nothing at %.200s",
		                      path);
	rh_problem_set(problem, RH_ENOSYS, "%.16s is not possible on %.200s, only %s",
	               method, path, ret_allow);
	problem->status = 405;
	return RH_ENOSYS;
}

static int check_queries(const struct rh_request *request,
                         struct rh_problem *problem)
{
	char padded[64];

	for (unsigned i = 0; i < request->query_count; i++) {
		const char *key = request->query[i].key;

		snprintf(padded, sizeof padded, " %.60s ", key);
		if (strchr(key, ' ') || !strstr(request->route->queries, padded))
			return rh_problem_set(problem, RH_EINVAL,
				"the parameter \"%.64s\" is not known here%s%s", key,
				request->route->queries[0] ? "; known are" : "",
				request->route->queries);
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(request->query[j].key, key) == 0)
				return rh_problem_set(problem, RH_EINVAL,
					"the parameter \"%.64s\" stands twice", key);
		}
	}
	return RH_OK;
}

static int check_type(const struct rh_request *request, struct rh_problem *problem)
{
	unsigned    flags = request->route->flags;
	const char *wanted = flags & RH_ROUTE_JSON ? "application/json"
	                   : flags & RH_ROUTE_BYTES ? "application/octet-stream" : NULL;
	const char *type = request->content_type;

	if (!wanted || !type[0])
		return RH_OK;
	size_t len = strcspn(type, "; \t");
	if (len == strlen(wanted) && strncasecmp(type, wanted, len) == 0)
		return RH_OK;
	rh_problem_set(problem, RH_EINVAL, "the body must be %s, not %.80s", wanted,
	               type);
	problem->status = 415;
	return RH_EINVAL;
}

int rh_route_check(const struct rh_request *request, struct rh_problem *problem)
{
	int err = RH_OK;

	if ((request->route->flags & RH_ROUTE_WRITE) && !request->client->is_writer) {
		err = rh_problem_set(problem, RH_EPERM, "uid %u may read but not write: "
			"only root and the center's own user may",
			(unsigned)request->client->uid);
		if (request->route->kind != RH_OBJECT_KINDS)
			rh_problem_object(problem, rh_object_kind_text(request->route->kind),
			                  request->name);
	}
	if (!err)
		err = check_queries(request, problem);
	return err ? err : check_type(request, problem);
}

size_t rh_route_body_max(const struct rh_route *route)
{
	if (route->flags & RH_ROUTE_JSON)
		return RH_BODY_MAX;
	return route->flags & RH_ROUTE_BYTES ? RH_MODULE_MAX : 0;
}
