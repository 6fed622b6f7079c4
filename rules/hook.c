#include "hook.h"

#include <stdio.h>
#include <string.h>

const struct rh_hook *rh_hook_find(const char *name)
{
	for (unsigned i = 0; i < rh_hook_count; i++)
		if (strcmp(rh_hooks[i].name, name) == 0)
			return &rh_hooks[i];
	return NULL;
}

uint32_t rh_hook_abi(const struct rh_hook *hook)
{
	return (uint32_t)hook->number << 16 | hook->version;
}

static const char *word(char letter)
{
	return letter == 'l' ? "i64" : letter == 'f' ? "f32" : letter == 'd' ? "f64" :
	       letter == 'r' ? "a reference" : letter == 'v' ? "v128" : "i32";
}

const char *rh_hook_type(const char *signature, char text[48])
{
	size_t len = (size_t)snprintf(text, 48, "(");

	for (; *signature && *signature != ':' && len < 48; signature++)
		len += (size_t)snprintf(text + len, 48 - len, "%s%s", len > 1 ? ", " : "",
		                        word(*signature));
	if (len < 48)
		len += (size_t)snprintf(text + len, 48 - len, ")");
	if (len < 48 && signature[0] == ':' && signature[1])
		snprintf(text + len, 48 - len, " -> %s", word(signature[1]));
	return text;
}

enum rh_hook_at rh_hook_at(const struct rh_hook *hook)
{
	static const char *const calls[] = { "filter", "protocol", "transform", NULL };
	static const char *const processes[] = { "cache", "sched", "softirq", "user", NULL };

	if (hook->is_ebpf)
		return RH_AT_NODE;
	for (unsigned i = 0; calls[i]; i++) {
		if (strcmp(hook->name, calls[i]) == 0)
			return RH_AT_CALL;
	}
	for (unsigned i = 0; processes[i]; i++) {
		if (strcmp(hook->name, processes[i]) == 0)
			return RH_AT_PROCESS;
	}
	return RH_AT_EDGE;
}
