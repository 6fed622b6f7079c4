/* rule_host - what a rule may ask of who runs it; rhodes/rule.h has it as functions. */
#ifndef RHODES_RULE_HOST_H
#define RHODES_RULE_HOST_H

#include <stdint.h>

/* A native object is given it when it is loaded, in place of imports. */
struct rh_rule_host {
	void *user;
	uint64_t (*now)(void *user);
	uint64_t (*random)(void *user);
	void (*log)(void *user, const char *text, uint32_t length);
	int32_t (*param)(void *user, const char *name, uint32_t length, char *into,
	                 uint32_t room);
	/* All parameters as NAME=VALUE, each with a 0 behind: the length of all, or 0 when
	 * there is no room.  May be NULL. */
	uint32_t (*list)(void *user, char *into, uint32_t room);
};

#endif
