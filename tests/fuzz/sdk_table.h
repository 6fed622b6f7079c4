/* sdk_table - functions with every kind of parameter, for the marshaller's harnesses. */
#ifndef RH_TESTS_SDK_TABLE_H
#define RH_TESTS_SDK_TABLE_H

#include "../../sdk/c/marshal.h"

struct sdk_pair {
	int32_t a;
	double  b;
	char    c[20];
};

enum { SDK_FUNCTIONS = 4 };

extern const struct rh_function sdk_functions[SDK_FUNCTIONS];

/* Handles below 100 are known; the others are refused. */
extern const struct rh_handle_map sdk_handles;

#endif
