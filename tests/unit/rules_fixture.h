/* rules_fixture - modules of rules for tests: from WebAssembly text or a file, built as
 * the center builds them.  Without wabt a test that needs one is skipped. */
#ifndef RULES_FIXTURE_H
#define RULES_FIXTURE_H

#include "../../rules/rule.h"
#include "../../rules/wasm/build.h"

#include <stddef.h>
#include <stdint.h>

/* Is there what builds modules?  Else it says what is missing. */
bool fixture_has_tools(void);

/* The text as a module, in memory to be freed. */
uint8_t *fixture_assemble(const char *wat, size_t *ret_len);

/* A whole file, in memory to be freed. */
uint8_t *fixture_read(const char *path, size_t *ret_len);

/* What a module of hook filter begins with: $now, $log, memory, buffer at 0; the rest of it
 * and the last parenthesis are the caller's. */
extern const char fixture_filter_head[];

enum fixture_build { FIXTURE_GS = 0, FIXTURE_PORTABLE = 1, FIXTURE_FUEL = 2 };

/* Builds a module for hook filter, with all capabilities: a frozen memfd, to be closed. */
int fixture_build(const uint8_t *module, size_t len, unsigned flags);

/* The text after the head, built.  The same text with the same flags is built once;
 * the descriptor is the fixture's. */
int fixture_object(const char *rest, unsigned flags);

/* A file as a frozen memfd, to be closed. */
int fixture_freeze(const char *path);

/* What this process has. */
struct fixture_usage {
	long rss_kb, size_kb;
	long mappings, threads, descriptors;
};

struct fixture_usage fixture_usage(void);

/* Kilobytes that this process has in memory, and of address space. */
long fixture_rss_kb(void);
long fixture_size_kb(void);

#endif
