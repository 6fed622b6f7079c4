/* A library without a header: what its debug data must tell.  Compiled by the test in
 * many ways, each of which must give described.txt. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
namespace inside {
#define NOTHING
#else
#define NOTHING void
#endif

#define OFFERED __attribute__((visibility("default")))

enum color { RED, GREEN = -3 };

struct plain {
	uint8_t tag[3];
	int     low : 5, high : 11;
	double  weight;
	union {
		float   f;
		int32_t i;
	} either;
#ifdef BY_PAHOLE
	short grid[6];   /* it tells no arrays of arrays */
#else
	short grid[2][3];
#endif
};

typedef struct { unsigned long high, low; } pair_t;

/* a ring of pointers: an object, as one is returned */
struct node {
	struct node *next;
	struct node *before;
	int          value;
};

struct fields {
	int a, b;
};

struct unknown;

OFFERED int8_t   narrow(char a, unsigned char b, bool c, short d) { return (int8_t)(a + b + c + d); }
OFFERED uint64_t wide(long a, unsigned long long b, size_t c, enum color d) { return (uint64_t)a + b + c + (uint64_t)d; }
OFFERED double   floating(float a, double b) { return a + b; }
OFFERED pair_t   records(pair_t pair, struct plain plain) { pair.low += plain.tag[0]; return pair; }
OFFERED const char *text(const char *a, const volatile char *b) { return b ? a : ""; }
OFFERED int      memory(const void *data, size_t size, const uint8_t *more, unsigned more_len)
{
	return data && more ? (int)(size + more_len) : 0;
}
OFFERED struct node *node_new(int value)
{
	struct node *node = (struct node *)calloc(1, sizeof *node);

	if (node)
		node->value = value;
	return node;
}
OFFERED struct node *node_next(const struct node *node) { return node->next; }
OFFERED void     node_free(struct node *node) { free(node); }
OFFERED int      opaque(struct unknown *object, struct unknown **other) { return object == *other; }
OFFERED int      shared(struct fields *fields) { return fields->a + fields->b; }
OFFERED int      callback(int (*call)(int), void *user) { return user ? call(1) : 0; }
#ifndef BY_PAHOLE
OFFERED void     leaves(NOTHING) __attribute__((noreturn));
OFFERED void     leaves(NOTHING) { exit(0); }
#endif
OFFERED long double large(long double a) { return a; }
OFFERED int      several(const char *format, ...) { return format != NULL; }
OFFERED inline int twice(int a) { return 2 * a; }
OFFERED int      uses_twice(int a) { return twice(a) + twice(a + 1); }

int hidden(int a) { return a; }
static int own(int a) { return a + 1; }
OFFERED int      uses_own(int a) { return own(hidden(a)); }

#ifdef __cplusplus
}
}
OFFERED int mangled(int a) { return a; }
#else
extern inline int twice(int a);
#endif
#if !defined(__cplusplus) && !defined(BY_PAHOLE)
OFFERED int knr(a) int a; { return a; }
#endif
