/* The table of routes and the contract: the same paths, methods and parameters, either way. */
#include "../../center/api/openapi.h"
#include "../../center/api/route.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	*state = json_loadb((const char *)rh_openapi, rh_openapi_bytes, 0, NULL);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	json_decref(*state);
	return 0;
}

/* The key of a method in the contract: "get". */
static const char *key_of(enum rh_method method, char key[8])
{
	const char *text = rh_route_method_text(method);
	size_t      i = 0;

	for (; text[i] && i < 7; i++)
		key[i] = (char)(text[i] | 0x20);
	key[i] = '\0';
	return key;
}

/* What the contract says of a route, or NULL. */
static json_t *operation(json_t *document, const struct rh_route *route)
{
	char    key[8];
	json_t *path = json_object_get(json_object_get(document, "paths"), route->path);

	return json_object_get(path, key_of(route->method, key));
}

/* A parameter, itself or what it refers to: "#/components/parameters/x". */
static json_t *resolve(json_t *document, json_t *parameter)
{
	static const char prefix[] = "#/components/parameters/";
	const char       *ref = json_string_value(json_object_get(parameter, "$ref"));

	if (!ref)
		return parameter;
	assert_memory_equal(ref, prefix, sizeof prefix - 1);
	json_t *all = json_object_get(json_object_get(document, "components"), "parameters");
	return json_object_get(all, ref + sizeof prefix - 1);
}

static void every_route_is_in_the_contract(void **state)
{
	for (size_t i = 0; rh_route_at(i); i++) {
		if (!operation(*state, rh_route_at(i)))
			fail_msg("%s %s is served and not in the contract",
			         rh_route_method_text(rh_route_at(i)->method),
			         rh_route_at(i)->path);
	}
}

static void every_operation_is_served(void **state)
{
	size_t      operations = 0, routes = 0;
	const char *path, *key;
	json_t     *item, *value;

	json_object_foreach(json_object_get(*state, "paths"), path, item)
		json_object_foreach(item, key, value)
			operations += strcmp(key, "parameters") != 0;
	while (rh_route_at(routes))
		routes++;
	/* each route has an operation of its own, as the test before says */
	assert_int_equal(operations, routes);
}

/* How many query parameters the contract gives the operation; all must be known. */
static size_t check_parameters(json_t *document, const struct rh_route *route)
{
	size_t  i, count = 0;
	json_t *item;
	char    padded[64];

	json_array_foreach(json_object_get(operation(document, route), "parameters"), i,
	                   item) {
		json_t     *parameter = resolve(document, item);
		const char *name = json_string_value(json_object_get(parameter, "name"));

		if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") != 0)
			continue;
		snprintf(padded, sizeof padded, " %s ", name);
		if (!strstr(route->queries, padded))
			fail_msg("%s: %s is in the contract and not taken", route->path, name);
		count++;
	}
	return count;
}

static void the_parameters_are_the_same(void **state)
{
	for (size_t i = 0; rh_route_at(i); i++) {
		const struct rh_route *route = rh_route_at(i);
		size_t                 blanks = 0;

		for (const char *c = route->queries; *c; c++)
			blanks += *c == ' ';
		/* " limit continue ": a blank more than names */
		size_t known = blanks ? blanks - 1 : 0;
		if (check_parameters(*state, route) != known)
			fail_msg("%s takes%s, and the contract other parameters", route->path,
			         route->queries);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_in_the_contract),
		cmocka_unit_test(every_operation_is_served),
		cmocka_unit_test(the_parameters_are_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
