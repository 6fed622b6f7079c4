#include "binding.h"

#include "agent.h"
#include "edge.h"
#include "identity.h"
#include "stats.h"

#include "../base/log.h"

#define MISMATCH_MAX 16u /* calls that may be under way */

/* What a counter rose by since the last look; a caller that lets it fall gains
 * nothing. */
static uint64_t rise(_Atomic uint64_t *now, _Atomic uint64_t *before)
{
	uint64_t value = atomic_load_explicit(now, memory_order_relaxed);
	uint64_t known = atomic_load_explicit(before, memory_order_relaxed);

	atomic_store_explicit(before, value, memory_order_relaxed);
	return value > known ? value - known : 0;
}

void rh_binding_count(struct rh_binding *binding)
{
	struct rh_page_counters *now = &binding->head->by_caller;
	struct rh_page_counters *before = &binding->counted;
	struct rh_counters_edge *edge = binding->edge->counters;
	uint64_t                 calls = rise(&now->calls, &before->calls);

	if (calls == 0)
		return;
	rh_counter_add(&edge->calls, calls);
	rh_counter_add(&edge->errors, rise(&now->errors, &before->errors));
	rh_counter_add(&edge->bytes_in, rise(&now->bytes_in, &before->bytes_in));
	rh_counter_add(&edge->bytes_out, rise(&now->bytes_out, &before->bytes_out));
	rh_counter_add(&edge->lost, rise(&now->lost, &before->lost));
	for (unsigned i = 0; i < RH_LATENCY_BUCKETS; i++) {
		uint64_t value = atomic_load_explicit(&binding->head->latency[i],
		                                      memory_order_relaxed);

		if (value > binding->latency[i])
			rh_counter_add(&edge->latency[i], value - binding->latency[i]);
		binding->latency[i] = value;
	}
	rh_stats_changed(binding->edge->agent);
}

unsigned rh_bindings_count(struct rh_agent *agent)
{
	unsigned bound = 0;

	for (unsigned i = 0; i < agent->edge_count; i++) {
		RH_LIST_EACH(node, &agent->edges[i]->bindings) {
			struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
			                                          in_edge);

			if (binding->state != RH_BINDING_BOUND)
				continue;
			bound++;
			if (binding->head)
				rh_binding_count(binding);
		}
	}
	return bound;
}

static void copy_counters(struct rh_page_counters *to, struct rh_page_counters *from)
{
	_Atomic uint64_t *pairs[][2] = {
		{ &to->calls, &from->calls }, { &to->errors, &from->errors },
		{ &to->bytes_in, &from->bytes_in }, { &to->bytes_out, &from->bytes_out },
		{ &to->lost, &from->lost },
	};

	for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		atomic_store_explicit(pairs[i][0],
		                      atomic_load_explicit(pairs[i][1],
		                                           memory_order_relaxed),
		                      memory_order_relaxed);
}

/* What our predecessor counted, in its own words; the processes may have changed
 * them, as they may their counters. */
void rh_binding_resume(struct rh_binding *binding)
{
	copy_counters(&binding->counted, &binding->head->counted);
	for (unsigned i = 0; i < RH_LATENCY_BUCKETS; i++)
		binding->latency[i] = atomic_load_explicit(
			&binding->head->latency_counted[i], memory_order_relaxed);
}

static void note_counted(struct rh_binding *binding)
{
	struct rh_page_counters *noted = &binding->head->counted;

	if (atomic_load_explicit(&noted->calls, memory_order_relaxed) ==
	    atomic_load_explicit(&binding->counted.calls, memory_order_relaxed))
		return;
	copy_counters(noted, &binding->counted);
	for (unsigned i = 0; i < RH_LATENCY_BUCKETS; i++)
		atomic_store_explicit(&binding->head->latency_counted[i],
		                      binding->latency[i], memory_order_relaxed);
}

void rh_bindings_told(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++) {
		RH_LIST_EACH(node, &agent->edges[i]->bindings) {
			struct rh_binding *binding = RH_CONTAINER(node, struct rh_binding,
			                                          in_edge);

			if (binding->state == RH_BINDING_BOUND && binding->head)
				note_counted(binding);
		}
	}
}

/* Both sides said how many calls there were.  At the end they differ at most by
 * those that were under way. */
void rh_binding_compare(struct rh_binding *binding)
{
	uint64_t caller = atomic_load_explicit(&binding->head->by_caller.calls,
	                                       memory_order_relaxed);
	uint64_t callee = atomic_load_explicit(&binding->head->by_server.calls,
	                                       memory_order_relaxed);
	uint64_t differ = caller > callee ? caller - callee : callee - caller;

	if (differ <= MISMATCH_MAX)
		return;
	rh_warn_often("process %d says it made %llu calls of %s on a bound page, instance "
	        "%08llx says it served %llu", (int)rh_identity_pid(binding->attachment),
	        (unsigned long long)caller, binding->edge->spec.callee,
	        (unsigned long long)binding->instance, (unsigned long long)callee);
	rh_counter_add(&binding->edge->agent->counters.head->mismatched, 1);
}
