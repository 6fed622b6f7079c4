#include "adapter.h"

#include "adapter_front.h"
#include "session.h"

#include "../../base/clock.h"
#include "../../rules/hook.h"
#include "../../rules/wasm/watchdog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rh_adapter_list rh_adapters = {
	.loading = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_changed(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&rh_adapters.changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* ---- fork ---- */

static void hold(void)
{
	pthread_mutex_lock(&rh_adapters.loading);
	pthread_mutex_lock(&rh_adapters.lock);
	for (struct rh_adapter *at = rh_adapters.first; at; at = at->next) {
		pthread_mutex_lock(&at->lock);
		pthread_mutex_lock(&at->log_lock);
	}
}

static void let_go(void)
{
	for (struct rh_adapter *at = rh_adapters.first; at; at = at->next) {
		pthread_mutex_unlock(&at->log_lock);
		pthread_mutex_unlock(&at->lock);
	}
	pthread_mutex_unlock(&rh_adapters.lock);
	pthread_mutex_unlock(&rh_adapters.loading);
}

/* The rules in force stay; the child asks its agent anew. */
static void in_child(void)
{
	rh_adapter_line_forget();
	rh_adapters.is_up = 0;
	init_changed();
	for (struct rh_adapter *at = rh_adapters.first; at; at = at->next)
		at->is_asked = 0;
	let_go();
}

/* D1 holds for a fork, too: the runtime takes its locks after us. */
static void set_up(void)
{
	init_changed();
	rh_watchdog_mind_forks();
	pthread_atfork(hold, let_go, in_child);
}

/* ---- making one ---- */

static int is_key(const char *key)
{
	size_t len = strlen(key);

	return len > 0 && len <= RH_NAME_MAX && key[0] >= 'a' && key[0] <= 'z' &&
	       strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

void rh_adapter_free(struct rh_adapter *adapter)
{
	if (!adapter)
		return;
	adapter->kind->destroy(adapter->front);
	rh_rule_destroy(adapter->rule);
	free(adapter->item);
	pthread_mutex_destroy(&adapter->lock);
	pthread_mutex_destroy(&adapter->log_lock);
	free(adapter);
}

static int create(const struct rh_adapter_front *kind, const char *key, uint32_t capacity,
                  struct rh_adapter **ret_adapter)
{
	struct rh_adapter *adapter = calloc(1, sizeof *adapter);
	struct rh_diag     diag;
	int                r;

	if (!adapter)
		return rh_fail(RH_ENOMEM, "no memory for a place where rules decide");
	adapter->hook = rh_hook_find(kind->hook);
	adapter->kind = kind;
	snprintf(adapter->key, sizeof adapter->key, "%s", key);
	pthread_mutex_init(&adapter->lock, NULL);
	pthread_mutex_init(&adapter->log_lock, NULL);
	r = kind->create(capacity, &adapter->front, &diag);
	if (r < 0) {
		rh_adapter_free(adapter);
		return rh_fail(r, "%s", diag.text);
	}
	*ret_adapter = adapter;
	return RH_OK;
}

static int put_on_list(struct rh_adapter *adapter)
{
	int r = RH_OK;

	pthread_mutex_lock(&rh_adapters.lock);
	if (rh_adapters.count == RH_ADAPTERS_MAX)
		r = rh_fail(RH_ENOSPC, "a process may have %u places where rules decide",
		            RH_ADAPTERS_MAX);
	if (r == RH_OK) {
		adapter->number = ++rh_adapters.last_number;
		adapter->next = rh_adapters.first;
		rh_adapters.first = adapter;
		rh_adapters.count++;
		adapter->is_answered = rh_adapter_line_wake() < 0; /* nobody to ask */
	}
	pthread_mutex_unlock(&rh_adapters.lock);
	return r;
}

int rh_adapter_open(const struct rh_adapter_front *kind, const char *key, uint32_t capacity,
                    struct rh_adapter **ret_adapter)
{
	struct rh_adapter *adapter = NULL;
	int                r;

	pthread_once(&once, set_up);
	if (!is_key(key))
		return rh_fail(RH_EINVAL, "\"%.70s\" is no key: [a-z][a-z0-9_.-]{0,62}", key);
	r = create(kind, key, capacity, &adapter);
	if (r == RH_OK && (r = put_on_list(adapter)) < 0)
		rh_adapter_free(adapter);
	if (r == RH_OK)
		*ret_adapter = adapter;
	return r;
}

void rh_adapter_close(struct rh_adapter *adapter)
{
	struct rh_adapter **link = &rh_adapters.first;

	if (!adapter)
		return;
	pthread_mutex_lock(&rh_adapters.lock);
	adapter->is_closed = 1;
	if (rh_adapters.is_up) {
		rh_adapter_line_wake();
		adapter = NULL; /* D2 */
	} else {
		while (*link != adapter)
			link = &(*link)->next;
		*link = adapter->next;
		rh_adapters.count--;
	}
	pthread_mutex_unlock(&rh_adapters.lock);
	rh_adapter_free(adapter);
}

void rh_adapter_await(struct rh_adapter *adapter, uint64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / RH_NS_PER_S),
		.tv_nsec = (long)(deadline % RH_NS_PER_S),
	};

	pthread_mutex_lock(&rh_adapters.lock);
	while (!adapter->is_answered &&
	       pthread_cond_timedwait(&rh_adapters.changed, &rh_adapters.lock, &until) !=
	       ETIMEDOUT)
		;
	pthread_mutex_unlock(&rh_adapters.lock);
}

/* ---- a question ---- */

uint64_t rh_adapter_begin(struct rh_adapter *adapter)
{
	rh_adapter_line_look();
	pthread_mutex_lock(&adapter->lock);
	return ++adapter->calls % RH_TIMED_EVERY == 0 && adapter->rule ? rh_clock_ns() : 0;
}

void rh_adapter_end(struct rh_adapter *adapter, uint64_t began_ns)
{
	if (began_ns)
		adapter->timed_ns += (rh_clock_ns() - began_ns) * RH_TIMED_EVERY;
	pthread_mutex_unlock(&adapter->lock);
}

int rh_adapter_name(struct rh_adapter *adapter, char *name, size_t cap)
{
	int has;

	pthread_mutex_lock(&adapter->lock);
	has = adapter->rule != NULL;
	snprintf(name, cap, "%s", has ? adapter->name : "");
	pthread_mutex_unlock(&adapter->lock);
	return has;
}

/* ---- what the agent is told ---- */

void rh_adapter_say(void *user, const char *text)
{
	struct rh_adapter *adapter = user;

	pthread_mutex_lock(&adapter->log_lock);
	if (adapter->line_count < RH_ADAPTER_LINES)
		snprintf(adapter->lines[adapter->line_count++], RH_ADAPTER_LINE, "%s", text);
	pthread_mutex_unlock(&adapter->log_lock);
}

uint32_t rh_adapter_take_lines(struct rh_adapter *adapter,
                               char lines[RH_ADAPTER_LINES][RH_ADAPTER_LINE])
{
	uint32_t count;

	pthread_mutex_lock(&adapter->log_lock);
	count = adapter->line_count;
	memcpy(lines, adapter->lines, count * sizeof adapter->lines[0]);
	adapter->line_count = 0;
	pthread_mutex_unlock(&adapter->log_lock);
	return count;
}

void rh_adapter_count(const struct rh_adapter *adapter, struct rh_rule_counters *ret)
{
	if (adapter->kind->count)
		adapter->kind->count(adapter->front, ret);
	else
		*ret = *rh_rule_counters(adapter->rule);
}

static void explain(const struct rh_adapter *adapter, char why[RH_ADAPTER_LINE])
{
	if (adapter->kind->why)
		adapter->kind->why(adapter->front, why, RH_ADAPTER_LINE);
	else
		snprintf(why, RH_ADAPTER_LINE, "%s", rh_rule_why(adapter->rule));
}

void rh_adapter_take_counts(struct rh_adapter *adapter, struct rh_adapter_counts *ret)
{
	struct rh_rule_counters now;

	memset(ret, 0, sizeof *ret);
	if (!adapter->rule)
		return;
	rh_adapter_count(adapter, &now);
	ret->calls = now.calls - adapter->told.calls;
	ret->took_ns = adapter->timed_ns + now.ns - adapter->told.ns;
	ret->instances = now.instances;
	for (int i = 0; i < RH_FAILURES; i++)
		ret->failures[i] = now.failures[i] - adapter->told.failures[i];
	if (memcmp(now.failures, adapter->told.failures, sizeof now.failures) != 0)
		explain(adapter, ret->why);
	adapter->told = now;
	adapter->timed_ns = 0;
}
